"""Regenerates real_templates.json: what transformers renders from real chat templates and a standard set of conversations.

    sh tests/fetch templates
    python3 tests/golden/real_templates.py              writes the file
    python3 tests/golden/real_templates.py --check      compares with the stored file
    python3 tests/golden/real_templates.py --show TEMPLATE CASE     prints one rendered text, as in: --show trl/gemma edges+prompt

The templates are those that TRL and llama.cpp ship. Of every rendered text only a digest is stored: the first 16 hexadecimal
digits of SHA-256 over the text and, for templates with {% generation %} blocks, the blocks ("\\0start-end" in characters each);
"-" where transformers raises an error. Contents are plain text and arguments of calls are parsed, as Burnish's reader gives
them. The clock stands at 2025-01-02 03:04:05. README.md in this folder names the packages; half a minute.
"""

import argparse
import datetime
import hashlib
import json
import os
import re
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
import transformers.utils.chat_template_utils as machinery  # noqa: E402

FOLDER = Path(__file__).resolve().parent
STORED = FOLDER / "real_templates.json"
ASSETS = Path(os.environ.get("BURNISH_TEST_ASSETS", Path.home() / ".cache/burnish-test-assets"))
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


class FrozenClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2025, 1, 2, 3, 4, 5, tzinfo=tz)


machinery.datetime = FrozenClock


def system(text):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def tool(text, name="get_weather", call="call00001"):
    return {"role": "tool", "content": text, "name": name, "tool_call_id": call}


def call(name="get_weather", number="call00001", **arguments):
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather <in a city> & \"more\"",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "City name"},
                "unit": {"type": "string", "enum": ["c", "f"]},
            },
            "required": ["city"],
        },
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search.\nTwo lines, it's \u00fcber \\ good",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "minLength": 1, "default": "it's"},
                "limits": {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 0, "maximum": 1.5},
                    "default": [1, 2.0, None, True],
                },
                "where": {
                    "type": "object",
                    "description": "A place",
                    "properties": {"lat": {"type": "number"}, "near": {"type": ["string", "null"], "nullable": True}},
                    "required": ["lat"],
                    "additionalProperties": False,
                },
                "either": {"anyOf": [{"type": "string"}, {"type": "integer", "format": "int32"}]},
            },
            "required": ["query", "where"],
        },
        "return": {"type": "string", "description": "Results"},
    },
}
BARE = {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}}
TWO = [user("Hi"), assistant("Hello!"), user("Name a colour"), assistant("Blue")]
CALLED = [user("Weather in Z\u00fcrich?"), assistant("", tool_calls=[call(city="Z\u00fcrich", unit="c")])]
RESULT = tool('{"temp": 21}')

CONVERSATIONS = {
    "single": {"messages": TWO[:2]},
    "two_turns": {"messages": TWO},
    "system": {"messages": [system("You are terse."), *TWO[:2]]},
    "system_two_turns": {"messages": [system("You are terse."), *TWO]},
    "long": {"messages": [system("Count."), *[m for i in range(4) for m in (user(f"number {i}"), assistant(f"{i} is it"))]]},
    "open": {"messages": TWO[:3]},
    "user_only": {"messages": TWO[:1]},
    "system_only": {"messages": [system("You are terse.")]},
    "system_user": {"messages": [system("You are terse."), user("Hi")]},
    "assistant_only": {"messages": [assistant("Once upon a time")]},
    "assistant_first": {"messages": [assistant("Hi there"), user("who?"), assistant("me")]},
    "users_in_a_row": {"messages": [user("first"), user("second"), assistant("both")]},
    "assistants_in_a_row": {"messages": [user("Hi"), assistant("One."), assistant("Two."), user("Three?"), assistant("Three.")]},
    "system_in_the_middle": {"messages": [*TWO[:2], system("Be brief now."), *TWO[2:]]},
    "two_systems": {"messages": [system("One."), system("Two."), *TWO[:2]]},
    "system_last": {"messages": [*TWO[:2], system("Stop.")]},
    "empty_assistant": {"messages": [user("Say nothing."), assistant("")]},
    "empty_user": {"messages": [user(""), assistant("You said nothing.")]},
    "empty_system": {"messages": [system(""), *TWO[:2]]},
    "blank_contents": {"messages": [system(" "), user("\n"), assistant(" \n ")]},
    "edges": {"messages": [system(" be brief \n"), user("  question \n\n"), assistant("\n answer  "), user("\tmore "), assistant("more\n\n")]},
    "same_words": {"messages": [user("yes"), assistant("yes"), user("yes"), assistant("yes")]},
    "unicode": {"messages": [user("\u041f\u0440\u0438\u0432\u0435\u0442 \U0001f469\u200d\U0001f467 \u00df \u0130"), assistant("na\u00efve \u201cquotes\u201d \u2014 \u200b\u00a0\u3000 \U0001f600")]},
    "syntax": {"messages": [user("{{ x }} {% if %} {# c #} \\n \\ \"q\" 'p' `t` $a %s {}"), assistant("def f(x):\n    return {'a': x}  # {%\n\n```json\n{\"k\": [1]}\n```")]},
    "special_tokens": {"messages": [user("<|im_end|> </s> [INST] <end_of_turn> <|eot_id|> <|user|>"), assistant("<tool_call> <|im_start|>assistant\n<|end|> </think> [/INST] <|assistant|>")]},
    "words_of_python": {"messages": [system("None"), user("0"), assistant("False")]},
    "numbers": {"messages": [user("1"), assistant("2.50"), user("[]"), assistant("{}")]},
    "reasoning": {"messages": [user("17*3?"), assistant("51", reasoning_content="17*3 = 51")]},
    "reasoning_history": {"messages": [user("17*3?"), assistant("51", reasoning_content="17*3 = 51"), user("and +1?"), assistant("52", reasoning_content="51+1")]},
    "reasoning_then_plain": {"messages": [user("17*3?"), assistant("51", reasoning_content="\n17*3 = 51\n"), user("and +1?"), assistant("52")]},
    "reasoning_open": {"messages": [user("17*3?"), assistant("51", reasoning_content="17*3 = 51"), user("and +1?")]},
    "think_in_content": {"messages": [user("17*3?"), assistant("<think>\n17*3\n</think>\n\n51"), user("and +1?"), assistant("<think>\n51+1\n</think>\n\n52")]},
    "reasoning_tools": {"messages": [CALLED[0], {**CALLED[1], "reasoning_content": "I must look."}, RESULT, assistant("It is 21 \u00b0C.", reasoning_content="Now I know.")], "tools": [WEATHER]},
    "tool_round": {"messages": [*CALLED, RESULT, assistant("It is 21 \u00b0C.")], "tools": [WEATHER]},
    "tool_round_twice": {"messages": [system("Help."), *CALLED, RESULT, assistant("It is 21 \u00b0C."), user("And Bern?"), assistant("", tool_calls=[call(number="call00002", city="Bern")]), tool("20", call="call00002"), assistant("20 \u00b0C.")], "tools": [WEATHER]},
    "tool_call_open": {"messages": CALLED, "tools": [WEATHER]},
    "tool_result_open": {"messages": [*CALLED, RESULT], "tools": [WEATHER]},
    "tool_call_with_text": {"messages": [CALLED[0], assistant("Let me look.", tool_calls=[call(city="Z\u00fcrich")]), RESULT, assistant("21.")], "tools": [WEATHER]},
    "tool_parallel": {"messages": [CALLED[0], assistant("", tool_calls=[call(city="Z\u00fcrich"), call(number="call00002", city="Bern", unit="f")]), tool("21"), tool("20", call="call00002"), assistant("21 and 20.")], "tools": [WEATHER, SEARCH]},
    "tool_arguments": {"messages": [user("Search"), assistant("", tool_calls=[call("search", query="it's \"x\" <&>\n\u00e9", limits=[1, 2.5, None, True, []], where={"lat": -1e-7, "near": None, "far": 1e16, "ok": False})]), tool("[]", "search"), assistant("Nothing.")], "tools": [SEARCH, BARE]},
    "tool_no_arguments": {"messages": [user("Time?"), assistant("", tool_calls=[call("now")]), tool("noon", "now"), assistant("Noon.")], "tools": [BARE]},
    "tool_arguments_as_text": {"messages": [user("Time?"), assistant("", tool_calls=[{"id": "call00001", "type": "function", "function": {"name": "now", "arguments": "at once"}}]), tool("noon", "now"), assistant("Noon.")], "tools": [BARE]},
    "tool_call_bare": {"messages": [user("Time?"), assistant("", tool_calls=[{"name": "now", "arguments": {"zone": "UTC"}}]), {"role": "tool", "content": "noon"}, assistant("Noon.")], "tools": [BARE]},
    "tool_calls_undeclared": {"messages": [*CALLED, RESULT, assistant("It is 21 \u00b0C.")]},
    "tools_unused": {"messages": [system("Help."), *TWO[:2]], "tools": [WEATHER, SEARCH, BARE]},
    "tools_unused_two_turns": {"messages": TWO, "tools": [SEARCH]},
    "documents": {"messages": TWO[:3], "documents": [{"title": "A \"title\"", "text": "Some text.\nMore."}, {"title": "B", "text": "\u00fc", "doc_id": 7}]},
    "documents_tools": {"messages": [system("Use them."), *TWO[:2]], "documents": [{"title": "A", "text": "Some text."}], "tools": [WEATHER]},
    "no_thinking": {"messages": [system("You are terse."), *TWO[:3]], "variables": {"enable_thinking": False}},
    "thinking": {"messages": [system("You are terse."), *TWO[:3]], "variables": {"enable_thinking": True}},
    "no_thinking_answered": {"messages": [user("17*3?"), assistant("51", reasoning_content="17*3 = 51")], "variables": {"enable_thinking": False}},
}
CASES = [name + prompt for name in CONVERSATIONS for prompt in ("", "+prompt")]


def templates():
    """Names and sources: trl/NAME and llama.cpp/NAME."""
    found = {}
    for where in ("trl", "llama.cpp"):
        for file in sorted((ASSETS / "templates" / where).glob("*.jinja")):
            found[f"{where}/{file.stem}"] = file.read_bytes().decode("utf-8")
    if not found:
        sys.exit(f"There are no templates in {ASSETS / 'templates'}: run sh tests/fetch templates")
    return found


def render(source, case):
    """The text and its generation blocks; an exception where transformers refuses."""
    name, _, prompt = case.partition("+")
    conversation = CONVERSATIONS[name]
    marked = re.search(r"\{%-?\s*generation\s*-?%\}", source) is not None
    texts, blocks = machinery.render_jinja_template(
        conversations=[conversation["messages"]],
        tools=conversation.get("tools"),
        documents=conversation.get("documents"),
        chat_template=source,
        return_assistant_tokens_mask=marked,
        add_generation_prompt=bool(prompt),
        **SPECIAL,
        **conversation.get("variables", {}),
    )
    return texts[0], joined(blocks[0] if marked else [])


def joined(blocks):
    """Blocks that touch as one; empty ones left out."""
    out = []
    for start, end in blocks:
        if out and out[-1][1] == start:
            out[-1] = (out[-1][0], end)
        elif start < end:
            out.append((start, end))
    return out


def digest(source, case):
    try:
        text, blocks = render(source, case)
    except Exception:  # noqa: BLE001: whatever it is, transformers gives no text
        return "-"
    whole = text + "".join(f"\0{start}-{end}" for start, end in blocks)
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()[:16]


def compute():
    rows = {
        name: [hashlib.sha256(source.encode("utf-8")).hexdigest()[:16], " ".join(digest(source, case) for case in CASES)]
        for name, source in templates().items()
    }
    return {"clock": "2025-01-02T03:04:05", "special_tokens": SPECIAL, "conversations": CONVERSATIONS, "templates": rows}


def written(values):
    """One line for each conversation and template, so that differences are small."""
    parts = [f'"clock": {json.dumps(values["clock"])}', f'"special_tokens": {json.dumps(values["special_tokens"])}']
    for key in ("conversations", "templates"):
        lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in values[key].items())
        parts.append(f'"{key}": {{\n{lines}\n }}')
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="compare with the stored file, write nothing")
    arguments.add_argument("--show", nargs=2, metavar=("TEMPLATE", "CASE"), help="print one rendered text")
    options = arguments.parse_args()
    if options.show:
        text, blocks = render(templates()[options.show[0]], options.show[1])
        print(text, end="")
        print(f"\n--- blocks: {blocks}", file=sys.stderr)
    elif options.check:
        if written(compute()) != STORED.read_text(encoding="utf-8"):
            sys.exit("real_templates.json is not what transformers gives here.")
        print("real_templates.json is as transformers renders.")
    else:
        STORED.write_text(written(compute()), encoding="utf-8")


if __name__ == "__main__":
    main()
