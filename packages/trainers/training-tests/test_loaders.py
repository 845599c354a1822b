"""That `datasets` and TRL take every file the builders write for what it is, with its columns and its values."""

import json
import runpy
import shutil
import subprocess

import datasets
import pytest
import yaml
from conftest import HERE
from datasets import Features, Json, List, Value, load_dataset
from transformers import AutoTokenizer
from trl import is_conversational, maybe_apply_chat_template, maybe_extract_prompt, maybe_unpair_preference_dataset
from trl.data_utils import is_conversational_from_value

TURNS, TEXT = List(Json()), Value("string")
PAIR = {"prompt": TURNS, "chosen": TURNS, "rejected": TURNS, "tools": TURNS, "metadata": Json()}
COLUMNS = {
    "sft": {"messages": TURNS, "tools": TURNS, "metadata": Json()},
    "sft-completion": {"prompt": TURNS, "completion": TURNS, "tools": TURNS, "metadata": Json()},
    "sft-turns": {"prompt": TURNS, "completion": TURNS, "tools": TURNS, "metadata": Json()},
    "sft-standard": {"prompt": TEXT, "completion": Json(), "metadata": Json()},
    # Texts that are dates, all of them in some file: as `string` they would come back as times.
    "sft-dates": {"prompt": Json(), "completion": Json(), "metadata": Json()},
    "dpo": PAIR,
    "dpo-standard": {"prompt": TEXT, "chosen": Json(), "rejected": TEXT, "metadata": Json()},
    "dpo-dates": {"prompt": Json(), "chosen": Json(), "rejected": Json(), "metadata": Json()},
    "reward": {**PAIR, "margin": Value("float64")},
    "kto": {"prompt": TURNS, "completion": TURNS, "label": Value("bool"), "tools": TURNS, "metadata": Json()},
    "grpo": {"prompt": TURNS, "responses": TURNS, "metadata": Json()},
    "grpo-online": {"prompt": TURNS, "reference": TEXT, "metadata": Json()},
    "kto-dates": {"prompt": Json(), "completion": Json(), "label": Value("bool"), "metadata": Json()},
    "grpo-dates": {"prompt": Json(), "responses": TURNS, "metadata": Json()},
    "grpo-online-dates": {"prompt": Json(), "reference": Json(), "metadata": Json()},
}
# What TRL makes of a row of each method with a chat template: the text columns of that type of dataset, and no others.
RENDERED = {
    "sft": {"text"},
    "sft-completion": {"prompt", "completion"},
    "sft-turns": {"prompt", "completion"},
    "dpo": {"prompt", "chosen", "rejected"},
    "reward": {"prompt", "chosen", "rejected"},
    "kto": {"prompt", "completion", "label"},
    "grpo": {"prompt"},
    "grpo-online": {"prompt"},
}
STANDARD = ["sft-standard", "sft-dates", "dpo-standard", "dpo-dates", "kto-dates", "grpo-online-dates"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    command = ["node", str(HERE / "build-loader-datasets.mjs"), str(folder)]
    node = subprocess.run(command, capture_output=True, text=True)
    assert node.returncode == 0, node.stderr
    return folder


def all_floats(value):
    """In a Parquet column of JSON 1.0 is written as 1."""
    if isinstance(value, dict):
        return {key: all_floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [all_floats(inner) for inner in value]
    return float(value) if type(value) is int else value


@pytest.fixture(scope="module", autouse=True)
def empty_cache(tmp_path_factory):
    """Nothing that an earlier run has left in the user's cache is loaded in place of a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def lines(path):
    """The rows as JSON says they are; Python's own way to part lines must find the same."""
    text = path.read_text("utf-8")
    assert text.splitlines() == text.split("\n")[:-1]
    return [json.loads(line) for line in text.splitlines()]


def without_nulls(value):
    """A loader that guesses gives every struct the keys of all others, with nulls."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def same(loaded, expected):
    """Equal, also in type; but for the last digit of a float, which the loader's JSON reader rounds."""
    if isinstance(expected, dict):
        return loaded.keys() == expected.keys() and all(same(loaded[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return isinstance(loaded, list) and len(loaded) == len(expected) and all(map(same, loaded, expected))
    if isinstance(expected, float):
        return isinstance(loaded, float) and loaded == pytest.approx(expected, rel=1e-9)
    return type(loaded) is type(expected) and loaded == expected


@pytest.mark.parametrize("method", COLUMNS)
def test_a_folder_loads_with_its_declared_columns_and_its_own_values(written, method):
    splits = load_dataset(str(written / method))
    assert set(splits) == {"train", "test"}
    for split, rows in splits.items():
        assert rows.features == Features(COLUMNS[method])
        assert same(rows.to_list(), lines(written / method / f"{split}.jsonl"))


def test_a_folder_that_was_built_anew_is_not_taken_from_the_cache(written, tmp_path):
    folder = tmp_path / "sft"
    for source in ("first", "second"):
        shutil.copytree(written / source, folder, dirs_exist_ok=True)
        assert same(load_dataset(str(folder), split="train").to_list(), lines(folder / "train.jsonl"))
    sizes = {(written / source / "train.jsonl").stat().st_size for source in ("first", "second")}
    assert len(sizes) == 1, "rows of one size would tell the two apart even without their checksums"


@pytest.mark.parametrize("method", COLUMNS)
def test_a_single_file_loads_with_columns_that_are_named(written, method):
    path = written / f"{method}.jsonl"
    rows = load_dataset("json", data_files=str(path), features=Features(COLUMNS[method]), split="train")
    assert same(rows.to_list(), lines(path))


@pytest.mark.parametrize("method", [*RENDERED, "sft-standard", "dpo-standard"])
def test_a_small_single_file_loads_even_where_types_are_guessed(written, method):
    path = written / f"{method}.jsonl"
    rows = load_dataset("json", data_files=str(path), split="train")
    assert set(rows.column_names) == set(COLUMNS[method])
    assert same(without_nulls(rows.to_list()), without_nulls(lines(path)))


@pytest.mark.parametrize("method", RENDERED)
def test_trl_takes_conversations_for_what_they_are(written, method, qwen_model):
    tokenizer = AutoTokenizer.from_pretrained(qwen_model)
    rows = load_dataset(str(written / method), split="train")
    for row in rows:
        # Columns one by one, for TRL itself looks at whichever comes first.
        for column in {"messages", "prompt", "completion", "chosen", "rejected"} & row.keys():
            assert is_conversational({column: row[column]})
        assert not is_conversational_from_value(row)
        assert maybe_extract_prompt(row) == row
        rendered = maybe_apply_chat_template(row, tokenizer, tools=row.get("tools"))
        assert rendered.keys() == RENDERED[method]
        answers = [row[column][-1] for column in ("messages", "completion", "chosen") if column in row]
        texts = [rendered.get(column, "") for column in ("text", "completion", "chosen")]
        for answer in answers:
            assert any(answer["content"] in text for text in texts)
        if "prompt" in rendered and "label" not in row:
            assert rendered["prompt"].endswith("<|im_start|>assistant\n")
            assert row["prompt"][-1]["content"] in rendered["prompt"]
        if row.get("tools"):
            assert '"name": "calendar"' in "".join(text for text in rendered.values() if isinstance(text, str))


@pytest.mark.parametrize("method", STANDARD)
def test_trl_takes_plain_texts_for_what_they_are(written, method, qwen_model):
    tokenizer = AutoTokenizer.from_pretrained(qwen_model)
    for row in load_dataset(str(written / method), split="train"):
        assert not is_conversational({key: value for key, value in row.items() if key != "metadata"})
        assert maybe_apply_chat_template(row, tokenizer) == row


@pytest.mark.parametrize("method", [*COLUMNS, "growing"])
def test_a_parquet_export_loads_with_the_same_values(written, method):
    for split, rows in load_dataset(str(written / f"{method}-parquet")).items():
        assert same(all_floats(rows.to_list()), all_floats(lines(written / method / f"{split}.jsonl")))
        if method == "reward":
            assert all(isinstance(margin, float) for margin in rows["margin"])


@pytest.mark.parametrize("method", ["sft-axolotl", "dpo-axolotl"])
def test_axolotl_finds_its_columns_by_the_settings(written, method, qwen_model):
    settings = yaml.safe_load((written / method / "axolotl.yaml").read_text("utf-8"))
    assert settings["learning_rate"] in (2e-4, 5e-6)
    tokenizer = AutoTokenizer.from_pretrained(qwen_model)
    for part, split in (("datasets", "train"), ("test_datasets", "test")):
        [named] = settings[part]
        assert (named["path"], named["split"]) == (f"./{method}", split)
        rows = load_dataset(str(written / named["path"]), split=named["split"])
        assert same(rows.to_list(), lines(written / method / f"{split}.jsonl"))
        for row in rows:
            turns = row[named["field_messages"]]
            if method == "sft-axolotl":
                # As its strategy does before it renders: arguments and parameters are texts of JSON.
                tools = json.loads(row[named["field_tools"]]) if row[named["field_tools"]] else None
                for call in (call for turn in turns for call in turn.get("tool_calls") or []):
                    call["function"]["arguments"] = json.loads(call["function"]["arguments"])
                text = tokenizer.apply_chat_template(turns, tools=tools, tokenize=False)
                assert turns[-1]["content"] in text
            else:
                assert {row[named["field_chosen"]]["role"], row[named["field_rejected"]]["role"]} == {"assistant"}


@pytest.mark.parametrize("method", ["sft-llama-factory", "dpo-llama-factory", "kto-llama-factory"])
def test_llama_factory_finds_its_columns_by_the_entry(written, method):
    folder = written / method
    settings = yaml.safe_load((folder / "llama-factory.yaml").read_text("utf-8"))
    assert settings["dataset_dir"] == f"./{method}"
    entries = json.loads((folder / "dataset_info.json").read_text("utf-8"))
    for split in (settings["dataset"], settings["eval_dataset"]):
        columns = entries[split]["columns"]
        rows = load_dataset("json", data_files=str(folder / entries[split]["file_name"]), split="train")
        assert same(rows.to_list(), lines(folder / f"{split}.jsonl"))
        assert set(columns.values()) == set(rows.column_names)
        for row in rows:
            turns = row[columns["messages"]]
            asked, said = {"human", "observation"}, {"gpt", "function_call"}
            assert all(turn["from"] in (said if at % 2 else asked) for at, turn in enumerate(turns))
            assert len(turns) % 2 == (1 if entries[split].get("ranking") else 0)
            for turn in turns:
                if turn["from"] == "function_call":
                    assert {"name", "arguments"} <= json.loads(turn["value"])[0].keys()


def test_trl_unpairs_pairs_and_leaves_single_answers_alone(written):
    pairs = load_dataset(str(written / "dpo"), split="train").select_columns(["prompt", "chosen", "rejected"])
    single = maybe_unpair_preference_dataset(pairs)
    assert len(single) == 2 * len(pairs)
    assert sum(single["label"]) == len(pairs)
    kto = load_dataset(str(written / "kto"), split="train")
    assert maybe_unpair_preference_dataset(kto).column_names == kto.column_names


def test_thirty_megabytes_load_whose_later_rows_look_different(written):
    expected = lines(written / "growing.jsonl")
    assert (written / "growing.jsonl").stat().st_size > 30_000_000
    columns = {"prompt": TURNS, "completion": TURNS, "tools": TURNS, "metadata": Json()}
    folder = load_dataset(str(written / "growing"), split="train")
    assert folder.features == Features(columns)
    single = load_dataset(
        "json", data_files=str(written / "growing.jsonl"), features=Features(columns), split="train"
    )
    streamed = load_dataset(str(written / "growing"), split="train", streaming=True)
    for rows in (folder, single, streamed):
        count = 0
        for row, wanted in zip(rows, expected, strict=True):
            count += 1
            assert same(row, wanted), wanted["metadata"]["interaction_id"]
        assert count == 20_000


def test_a_generated_script_loads_the_same_thirty_megabytes(written, script):
    expected = lines(written / "growing.jsonl")
    for place in ("growing", "growing.jsonl"):
        run = script("sft", written / place, name=place.replace(".", "-"))
        code = runpy.run_path(str(run.path), run_name="imported")
        files = {split: code["read_file"](path) for split, path in code["dataset_files"]().items()}
        rows = code["load_splits"](files)["train"]
        assert rows.features == Features({"prompt": TURNS, "completion": TURNS, "tools": TURNS})
        for row, wanted in zip(rows, expected, strict=True):
            assert same(row, {column: wanted[column] for column in ("prompt", "completion", "tools")})


@pytest.mark.parametrize(
    ("kind", "method", "shown"),
    [
        ("sft", "sft-dates", ["completion"]),
        ("dpo", "dpo-dates", ["chosen", "rejected"]),
        ("reward", "dpo-dates", ["chosen", "rejected"]),
        ("kto", "kto-dates", ["completion"]),
        ("grpo", "grpo-online-dates", ["prompt"]),
        ("grpo-offline", "grpo-dates", ["prompt"]),
    ],
)
def test_a_generated_script_takes_texts_that_are_dates_for_texts(written, script, plain_model, kind, method, shown):
    run = script(kind, written / method, plain_model, rewards="exact")
    code = runpy.run_path(str(run.path), run_name="imported")
    files = {split: code["read_file"](path) for split, path in code["dataset_files"]().items()}
    for split, rows in code["load_splits"](files).items():
        expected = lines(written / method / f"{split}.jsonl")
        assert set(shown) <= set(rows.column_names)
        assert same(rows.to_list(), [{column: row[column] for column in rows.column_names} for row in expected])
        assert all(isinstance(row[column], str) for row in rows for column in shown)
    assert run.check_here() is None


def test_a_generated_script_reads_a_file_that_has_changed_anew(written, script):
    run = script("sft", written / "now")
    code = runpy.run_path(str(run.path), run_name="imported")
    for source in ("first", "second"):
        shutil.copytree(written / source, written / "now", dirs_exist_ok=True)
        [row] = code["load_rows"](code["read_file"](written / "now" / "train.jsonl"))
        assert row == {"prompt": "2 + 2?", "completion": "4" if source == "first" else "5"}
