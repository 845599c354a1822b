"""What `--check` says of datasets that could not teach anything, for every kind."""

import pytest
from conftest import HIDING_TEMPLATE, make_model, rows_of, write_jsonl

KINDS = ["sft", "dpo", "kto", "reward", "grpo", "grpo-offline"]


@pytest.fixture(scope="module")
def hiding_model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("hiding-model"), HIDING_TEMPLATE)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_file_is_told_by_name(script, plain_model, tmp_path, kind):
    data = write_jsonl(tmp_path / "rows.jsonl", [])
    sentence = script(kind, data, plain_model).check_here()
    assert sentence == f"{tmp_path}/rows.jsonl has no rows: there is nothing to train on"


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_columns_are_told_with_the_line_and_what_is_there(script, plain_model, tmp_path, kind):
    data = write_jsonl(tmp_path / "rows.jsonl", [{"question": "q", "answer": "a"}])
    sentence = script(kind, data, plain_model).check_here()
    wanted = "prompt" if kind != "sft" else "messages` nor `prompt` and `completion"
    assert sentence.startswith("line 1 has n") and f"`{wanted}`" in sentence and sentence.endswith("question, answer")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_all_too_long_are_told_with_the_limit(script, plain_model, datasets, kind):
    limits = {"max_length": 8, **({"max_completion_length": 4} if kind == "grpo" else {})}
    sentence = script(kind, datasets / kind, plain_model, **limits).check_here()
    assert sentence.startswith("no ") and "within max_length=8" in sentence


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_that_hides_the_answers_is_told(script, hiding_model, datasets, kind):
    sentence = script(kind, datasets / kind, hiding_model).check_here()
    assert sentence == f"no token can be trained: the chat template of {hiding_model} hides the answers"


def test_online_prompts_without_a_reference_to_compare_with_are_told(script, plain_model, datasets, tmp_path):
    rows = [{**row, "reference": None} for row in rows_of(datasets / "grpo")]
    data = write_jsonl(tmp_path / "rows.jsonl", rows)
    sentence = script("grpo", data, plain_model, rewards=["exact", "numeric"]).check_here()
    assert sentence.startswith("no row has a reference, which is all that the rewards look at")
    named = write_jsonl(tmp_path / "named.jsonl", [{**row, "reference": "seven"} for row in rows])
    sentence = script("grpo", named, plain_model, rewards="numeric").check_here()
    assert sentence == "no reference earns the numeric reward, so no answer can: choose another reward"
    sentence = script("grpo", data, plain_model, rewards={"regex": {"pattern": "("}}).check_here()
    assert sentence.startswith("the pattern of the regex reward is not a regular expression: ")


def test_groups_of_equally_good_answers_are_told(script, plain_model, tmp_path):
    rows = [{"prompt": "2+2=", "responses": [{"text": "4", "reward": 0.5}, {"text": "5", "reward": 0.5}]}]
    sentence = script("grpo-offline", write_jsonl(tmp_path / "rows.jsonl", rows), plain_model).check_here()
    assert sentence.startswith("no answer can be learnt from")


def test_labels_of_one_kind_are_told(script, plain_model, datasets, tmp_path):
    good = write_jsonl(tmp_path / "good.jsonl", [row for row in rows_of(datasets / "kto") if row["label"]])
    sentence = script("kto", good, plain_model).check_here()
    assert sentence == "every row is labelled true: KTO learns from good answers beside bad ones"
