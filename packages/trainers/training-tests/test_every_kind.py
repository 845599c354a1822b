"""What holds for the kinds that learn from scored answers: KTO, reward models, GRPO online and offline."""

import re

import torch
from conftest import (
    answer,
    assistant,
    likelihood,
    logits,
    losses_on,
    question,
    resumed,
    rows_of,
    score,
    user,
    wrong_answer,
    write_jsonl,
)
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

FAST = {"batch_size": 4, "gradient_accumulation_steps": 1, "gradient_checkpointing": False, "logging_steps": 1}
LORA = {**FAST, "learning_rate": 1e-2, "lr_scheduler": "constant", "warmup_steps": 1, "save_steps": 20}


def merged(run, base, family=AutoModelForCausalLM, **settings):
    """Merges a run's adapter, and checks that the merged model answers as base and adapter do together."""
    run.succeed("--merge")
    folder = run.output / "merged"
    whole, tokenizer = family.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    adapted = PeftModel.from_pretrained(family.from_pretrained(base, **settings), run.output)
    tokens = tokenizer(answer(3), return_tensors="pt")
    assert torch.allclose(logits(whole, tokens), logits(adapted, tokens), atol=1e-4)
    return folder


def test_kto_makes_good_answers_likelier_than_bad_ones(script, taught_model, datasets):
    rows = rows_of(datasets / "kto")
    good = sum(row["label"] for row in rows)
    run = script("kto", datasets / "kto", taught_model, max_steps=40, **LORA)
    output = run.succeed("--check")
    assert f"labels: {good} good with weight 1, {len(rows) - good} bad with weight 1" in output
    assert f"rows: {len(rows)} to train on, 0 dropped" in output
    assert set(losses_on(output)) <= {row["completion"][0]["content"] for row in rows}
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    assert not run.output.exists()
    run.succeed()
    assert run.log("eval_loss")
    folder = merged(run, taught_model)
    for i in range(3):
        gained = likelihood(folder, i, answer(i)) - likelihood(taught_model, i, answer(i))
        lost = likelihood(folder, i, wrong_answer(i)) - likelihood(taught_model, i, wrong_answer(i))
        assert gained > lost + 2
    resumed(script, run, 44, "kto", datasets / "kto", taught_model, **LORA)


def test_kto_lets_the_rarer_kind_count_more(script, plain_model, datasets, tmp_path):
    rows = rows_of(datasets / "kto")
    good = [row for row in rows if row["label"]]
    bad = [row for row in rows if not row["label"]][:4]
    data = write_jsonl(tmp_path / "rows.jsonl", good + bad)
    output = script("kto", data, plain_model).succeed("--check")
    assert f"labels: {len(good)} good with weight 1, 4 bad with weight {len(good) / 4:.3g}" in output


def test_reward_scores_the_better_answer_higher(script, taught_model, datasets):
    rows = rows_of(datasets / "reward")
    run = script("reward", datasets / "reward", taught_model, max_steps=30, **LORA)
    output = run.succeed("--check")
    assert f"rows: {len(rows)} to train on, 0 dropped" in output
    assert rows[0]["chosen"][0]["content"] in re.findall("^SCORED HIGHER: .*$", output, re.MULTILINE)[0]
    assert rows[0]["rejected"][0]["content"] in re.findall("^SCORED LOWER: .*$", output, re.MULTILINE)[0]
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    run.succeed()
    assert min(run.log("margin")[-3:]) > 1
    assert run.log("eval_accuracy")[-1] == 1
    folder = merged(run, taught_model, AutoModelForSequenceClassification, num_labels=1)
    assert all(score(folder, i, answer(i)) > score(folder, i, wrong_answer(i)) for i in range(28))
    resumed(script, run, 34, "reward", datasets / "reward", taught_model, **LORA)


def test_grpo_online_raises_the_reward_of_what_the_model_says(script, taught_model, datasets):
    data = datasets / "grpo"
    settings = {**LORA, "learning_rate": 5e-3, "batch_size": 32, "max_completion_length": 24, "num_generations": 8}
    settings |= {"rewards": {"regex": {"pattern": " plus "}, "numeric": {}}, "save_steps": 12, "eval_steps": 100}
    run = script("grpo", data, taught_model, max_steps=12, **settings)
    output = run.succeed("--check")
    rows = rows_of(data)
    assert f"references: {len(rows)} of {len(rows)} rows have one" in output
    assert "reward numeric: the references themselves earn 1.00" in output
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    run.succeed()
    rewards = run.log("reward")
    assert sum(rewards[-4:]) > sum(rewards[:4]) + 1
    assert run.log("rewards/regex_reward/mean")[-1] > 0.8
    merged(run, taught_model)
    resumed(script, run, 14, "grpo", data, taught_model, **settings)


def test_offline_grpo_makes_the_best_answer_likelier_and_the_worst_less_likely(script, taught_model, datasets):
    data = datasets / "grpo-offline"
    run = script("grpo-offline", data, taught_model, max_steps=40, **LORA)
    output = run.succeed("--check")
    rows = rows_of(data)
    assert f"answers: {4 * len(rows)} to train on, 0 left out" in output
    assert losses_on(output) == [response["text"] for response in rows[0]["responses"]]
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    run.succeed()
    folder = merged(run, taught_model)
    for i in range(4):
        assert likelihood(folder, i, answer(i)) > likelihood(taught_model, i, answer(i)) + 5
        assert likelihood(folder, i, wrong_answer(i)) < likelihood(taught_model, i, wrong_answer(i)) - 1
    resumed(script, run, 44, "grpo-offline", data, taught_model, **LORA)


def test_offline_grpo_without_lora_compares_with_what_the_model_was(script, taught_model, datasets):
    settings = {**FAST, "use_lora": False, "max_steps": 20, "eval_steps": 20, "learning_rate": 2e-3}
    run = script("grpo-offline", datasets / "grpo-offline", taught_model, **settings)
    run.succeed()
    assert len(run.log("eval_loss")) == 1
    assert likelihood(run.output, 1, answer(1)) > likelihood(taught_model, 1, answer(1)) + 2
    assert likelihood(run.output, 1, wrong_answer(1)) < likelihood(taught_model, 1, wrong_answer(1))


def test_offline_grpo_trains_what_an_agent_did_and_not_what_its_tools_said(script, qwen_model, tmp_path):
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": 2}}}
    turns = [assistant("", tool_calls=[call]), {"role": "tool", "content": "It is 3", "tool_call_id": "c1"}]
    responses = [
        {"text": "Three.", "reward": 1.0, "messages": [*turns, assistant("Three.")]},
        {"text": "Four.", "reward": 0.0, "messages": [assistant("Four.")]},
    ]
    rows = [{"prompt": [user(question(1))], "responses": responses}]
    run = script("grpo-offline", write_jsonl(tmp_path / "rows.jsonl", rows), qwen_model)
    [traced, short] = losses_on(run.succeed("--check"))
    assert '"arguments": {"a": 1, "b": 2}' in traced and traced.endswith("Three.")
    assert "It is 3" not in traced and question(1) not in traced
    assert short == "Four."


def test_one_script_per_agent_trains_on_the_rows_of_that_agent(script, plain_model, datasets):
    rows = [row for row in rows_of(datasets / "kto") if row["metadata"]["agent_type"] == "general"]
    run = script("kto", datasets / "kto", plain_model, agent="general")
    assert f"rows: {len(rows)} to train on" in run.succeed("--check")
    sentence = script("kto", datasets / "kto", plain_model, agent="nobody").check_here()
    assert sentence.endswith("train.jsonl has no row whose metadata has the agent_type nobody")


def test_two_processes_launched_with_the_file_beside_the_script_share_the_answers(script, taught_model, datasets):
    run = script("grpo-offline", datasets / "grpo-offline", taught_model, max_steps=2, **FAST)
    run.succeed(processes=2)
    answers = 4 * len(rows_of(datasets / "grpo-offline"))
    assert abs(run.log("epoch")[0] - 8 / answers) < 0.02  # 4 answers for each process in one step
