"""Writes tests/golden/logs: a TensorBoard event file and a trainer_state.json, as the programs that own these formats write them.

pip install tensorboard "transformers[torch]" accelerate
python tests/golden/logs.py
"""

import json
import tempfile
from pathlib import Path

import torch
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

FOLDER = Path(__file__).parent / "logs"


def event_file():
    """The same scalars as the test writes, with fixed times."""
    with open(FOLDER / "events.out.tfevents.golden", "wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=1700000000.0, file_version="brain.Event:2").SerializeToString())
        scalars = [
            ("train/loss", 1, 1700000000.5, 4.25),
            ("train/learning_rate", 1, 1700000000.5, 2e-4),
            ("train/grad_norm/attention", 300, 1700000150.25, 0.125),
            ("eval/loss", 100000, 1700009000.0, 1.0 / 3.0),
            ("train/loss", 0, 1700000000.0, -1.5),
        ]
        for tag, step, time, value in scalars:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            writer.write(Event(wall_time=time, step=step, summary=summary).SerializeToString())
        writer.flush()


class Rows(torch.utils.data.Dataset):
    def __init__(self, count):
        generator = torch.Generator().manual_seed(count)
        self.ids = torch.randint(0, 64, (count, 12), generator=generator)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "labels": self.ids[i]}


def trainer_state():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, max_steps=12, per_device_train_batch_size=4, learning_rate=1e-2, logging_steps=1, eval_strategy="steps",
            eval_steps=4, save_strategy="no", report_to=[], use_cpu=True, seed=0,
        )
        trainer = Trainer(LlamaForCausalLM(config), arguments, train_dataset=Rows(48), eval_dataset=Rows(8))
        trainer.train()
        trainer.save_state()
        state = json.loads((Path(folder) / "trainer_state.json").read_text())
    (FOLDER / "trainer_state.json").write_text(json.dumps(state, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    event_file()
    trainer_state()
