"""What holds for the kinds that learn from scored answers: KTO, reward models, GRPO online and offline."""

import re

import pytest
import torch
from conftest import (
    answer,
    grpo_rows,
    group_rows,
    kto_rows,
    likelihood,
    logits,
    losses_on,
    reward_rows,
    score,
    sft_rows,
    user,
    wrong_answer,
    write_folder,
    write_jsonl,
)
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

FAST = {"batch_size": 4, "gradient_accumulation_steps": 1, "gradient_checkpointing": False, "logging_steps": 1}
LORA = {**FAST, "learning_rate": 1e-2, "lr_scheduler": "constant", "warmup_steps": 1, "save_steps": 20}


def resumed(script, run, steps, *args, **config):
    """Goes on with a run for some steps more, and checks that it went on and did not start again."""
    before = run.log("loss")
    longer = script(*args, **config, max_steps=steps)
    longer.succeed("--resume")
    assert longer.metadata()["steps"] == steps
    assert longer.log("loss")[: len(before)] == before
    assert len(longer.log("loss")) > len(before)


def merged(run, base, family=AutoModelForCausalLM, **settings):
    """Merges a run's adapter, and checks that the merged model answers as base and adapter do together."""
    run.succeed("--merge")
    folder = run.output / "merged"
    whole, tokenizer = family.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    adapted = PeftModel.from_pretrained(family.from_pretrained(base, **settings), run.output)
    tokens = tokenizer(answer(3), return_tensors="pt")
    assert torch.allclose(logits(whole, tokens), logits(adapted, tokens), atol=1e-4)
    return folder


def test_kto_learns_from_single_answers(script, taught_model, tmp_path):
    data = write_folder(tmp_path / "data", kto_rows(), kto_rows(4))
    run = script("kto", data, taught_model, max_steps=40, **LORA)
    output = run.succeed("--check")
    assert "labels: 28 good with weight 1, 28 bad with weight 1" in output
    assert "rows: 56 to train on, 0 dropped" in output
    assert set(losses_on(output)) <= {answer(i) for i in range(28)} | {wrong_answer(i) for i in range(28)}
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    assert not run.output.exists()
    run.succeed()
    assert run.log("rewards/margins")[-1] > 0.2
    folder = merged(run, taught_model)
    for i in range(3):
        gained = likelihood(folder, i, answer(i)) - likelihood(taught_model, i, answer(i))
        lost = likelihood(folder, i, wrong_answer(i)) - likelihood(taught_model, i, wrong_answer(i))
        assert gained > lost + 2
    resumed(script, run, 44, "kto", data, taught_model, **LORA)


def test_kto_lets_the_rarer_kind_count_more(script, plain_model, tmp_path):
    rows = [row for row in kto_rows() if row["label"] or row["completion"][0]["content"].endswith(("1?", "2?"))]
    data = write_jsonl(tmp_path / "rows.jsonl", rows)
    bad = len(rows) - 28
    assert f"labels: 28 good with weight 1, {bad} bad with weight {28 / bad:.3g}" in (
        script("kto", data, plain_model).succeed("--check")
    )
    good = write_jsonl(tmp_path / "good.jsonl", [row for row in rows if row["label"]])
    assert script("kto", good, plain_model).refuse("--check").startswith("every row is labelled true: KTO learns from")


def test_reward_scores_the_better_answer_higher(script, taught_model, tmp_path):
    data = write_folder(tmp_path / "data", reward_rows(), reward_rows(4))
    run = script("reward", data, taught_model, max_steps=30, **LORA)
    output = run.succeed("--check")
    assert "rows: 28 to train on, 0 dropped" in output
    assert answer(0) in re.findall("^SCORED HIGHER: .*$", output, re.MULTILINE)[0]
    assert wrong_answer(0) in re.findall("^SCORED LOWER: .*$", output, re.MULTILINE)[0]
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    run.succeed()
    assert run.log("margin")[-1] > 1
    assert run.log("accuracy")[-1] == 1
    folder = merged(run, taught_model, AutoModelForSequenceClassification, num_labels=1)
    assert all(score(folder, i, answer(i)) > score(folder, i, wrong_answer(i)) for i in range(4))
    resumed(script, run, 34, "reward", data, taught_model, **LORA)


def test_grpo_online_raises_the_reward_of_what_the_model_says(script, taught_model, tmp_path):
    data = write_folder(tmp_path / "data", grpo_rows(), grpo_rows(4))
    settings = {**LORA, "learning_rate": 5e-3, "batch_size": 32, "max_completion_length": 24, "num_generations": 8}
    settings["rewards"] = {"regex": {"pattern": " plus "}, "numeric": {}}
    run = script("grpo", data, taught_model, max_steps=12, **{**settings, "save_steps": 12})
    output = run.succeed("--check")
    assert "references: 28 of 28 rows have one" in output
    assert "reward numeric: the references themselves earn 1.00" in output
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    run.succeed()
    rewards = run.log("reward")
    assert sum(rewards[-4:]) > sum(rewards[:4]) + 1
    assert run.log("rewards/regex_reward/mean")[-1] > 0.8
    merged(run, taught_model)
    resumed(script, run, 14, "grpo", data, taught_model, **settings)


def test_offline_grpo_makes_the_best_answer_likelier_and_the_worst_less_likely(script, taught_model, tmp_path):
    data = write_folder(tmp_path / "data", group_rows(), group_rows(4))
    run = script("grpo-offline", data, taught_model, max_steps=40, **LORA)
    output = run.succeed("--check")
    assert "answers: 112 to train on, 0 dropped" in output
    assert losses_on(output)[0] == answer(0)
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    run.succeed()
    folder = merged(run, taught_model)
    for i in range(4):
        assert likelihood(folder, i, answer(i)) > likelihood(taught_model, i, answer(i)) + 5
        assert likelihood(folder, i, wrong_answer(i)) < likelihood(taught_model, i, wrong_answer(i)) - 1
    resumed(script, run, 44, "grpo-offline", data, taught_model, **LORA)


def test_offline_grpo_without_lora_compares_with_what_the_model_was(script, taught_model, tmp_path):
    data = write_folder(tmp_path / "data", group_rows(), group_rows(4))
    run = script("grpo-offline", data, taught_model, use_lora=False, max_steps=20, eval_steps=20, **{**LORA, "learning_rate": 2e-3})
    run.succeed()
    assert len(run.log("eval_loss")) == 1
    assert likelihood(run.output, 1, answer(1)) > likelihood(taught_model, 1, answer(1)) + 2
    assert likelihood(run.output, 1, wrong_answer(1)) < likelihood(taught_model, 1, wrong_answer(1))
