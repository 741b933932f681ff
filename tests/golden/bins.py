"""Regenerates bins.json: bins of TRL's "bfd" strategy for 40 lengths and for overlong and empty rows,
and the labels of its padding-free collator. Needs trl and datasets; run `python3 bins.py > bins.json`."""
import json
import numpy as np
from datasets import Dataset, disable_progress_bars
from trl import pack_dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

disable_progress_bars()


def bins(lengths):
    data = Dataset.from_dict({"input_ids": [[i * 1000 + k for k in range(n)] for i, n in enumerate(lengths)]})
    packed = pack_dataset(data, seq_length=64, strategy="bfd")
    return [list(dict.fromkeys(t // 1000 for t in row)) for row in packed["input_ids"]]


lengths = np.random.default_rng(5).integers(3, 65, 40).tolist()
lengths[7] = 64
lengths[20] = lengths[21]
overflow = [100, 64, 65, 1, 30, 34, 128, 0, 63]
a, b = [192, 163, 140, 226, 80, 65, 243, 89, 151], [213, 26, 109, 236, 184, 131, 163, 178, 198, 240, 84, 86, 189]
rows = [{"input_ids": a, "labels": [-100] * 4 + a[4:]}, {"input_ids": b, "labels": [-100] * 5 + b[5:]}]
c = DataCollatorForLanguageModeling(pad_token_id=258, padding_free=True)(rows)
print(json.dumps({
    "bins40": {"max_len": 64, "lengths": lengths, "trl_bfd": bins(lengths)},
    "overflow": {"max_len": 64, "lengths": overflow, "trl_bfd": bins(overflow)},
    "collator": {k: c[k][0].tolist() for k in ("input_ids", "labels", "position_ids", "seq_idx")},
}))
