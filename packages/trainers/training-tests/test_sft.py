import hashlib
import json

import torch
from conftest import (
    agent_rows,
    answer,
    assistant,
    logits,
    losses_on,
    question,
    rows_of,
    sft_rows,
    user,
    write_folder,
    write_jsonl,
)
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

FAST = {"batch_size": 4, "gradient_accumulation_steps": 1, "gradient_checkpointing": False, "logging_steps": 1}


def test_check_shows_that_the_loss_is_on_the_answer_alone(script, plain_model, datasets):
    run = script("sft", datasets / "sft", plain_model)
    output = run.succeed("--check")
    rows = rows_of(datasets / "sft")
    assert losses_on(output) == [row["messages"][-1]["content"] for row in rows[:2]]
    assert f"rows: {len(rows)} to train on, 0 dropped" in output
    assert output.rstrip().endswith("check passed")
    assert not run.output.exists()


def test_check_reads_prompt_and_completion(script, plain_model, tmp_path):
    rows = [{"prompt": [user(question(i))], "completion": [assistant(answer(i))]} for i in range(6)]
    data = write_jsonl(tmp_path / "rows.jsonl", rows)
    assert losses_on(script("sft", data, plain_model).succeed("--check")) == [answer(0), answer(1)]


def test_an_agents_every_turn_is_trained_but_not_what_it_was_told(script, qwen_model, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", agent_rows())
    shown = losses_on(script("sft", data, qwen_model).succeed("--check"))[0]
    assert '{"name": "add", "arguments": {"a": 0, "b": 1}}' in shown
    assert answer(0) in shown
    assert shown.count("<|im_end|>") == 1  # the call's end; the answer's own end is cut off by the test
    assert question(0) not in shown and "tool_response" not in shown and "You are" not in shown


def test_a_template_without_marks_makes_every_answer_a_row(script, plain_model, tmp_path):
    rows = [
        {"messages": [user(question(i)), assistant(answer(i)), user("Sure?"), assistant(f"Yes, {2 * i + 1}.")]}
        for i in range(6)
    ]
    output = script("sft", write_jsonl(tmp_path / "rows.jsonl", rows), plain_model).succeed("--check")
    assert "every answer becomes a row of its own" in output
    assert "rows: 12 to train on, 0 dropped" in output
    assert losses_on(output) == [answer(0), "Yes, 1."]


def test_with_the_loss_on_everything_the_question_is_trained_too(script, plain_model, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", sft_rows(6))
    [shown, _] = losses_on(script("sft", data, plain_model, assistant_only_loss=False).succeed("--check"))
    assert question(0) in shown and answer(0) in shown


def test_smoke_runs_anywhere_and_leaves_nothing(script, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", agent_rows())
    run = script("sft", data, "nobody/has-this-model", load_in_4bit=False)
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    assert not run.output.exists()


def test_training_lowers_the_loss_and_the_model_answers(script, plain_model, datasets):
    data = datasets / "sft"
    run = script(
        "sft", data, plain_model, use_lora=False, max_steps=120, learning_rate=1e-2, eval_steps=60, save_steps=60,
        load_best_model_at_end=True, warmup_steps=5, **FAST,
    )  # fmt: skip
    run.succeed()
    losses = run.log("loss")
    assert losses[0] > 4.5
    assert sum(losses[-5:]) / 5 < losses[0] / 4
    assert len(run.log("eval_loss")) == 2
    model, tokenizer = load(run.output)
    turns = rows_of(data)[3]["messages"][:-1]
    prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    reply = model.generate(**prompt, max_new_tokens=16, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(reply, skip_special_tokens=True).startswith("The answer is ")
    assert reply[-1] == tokenizer.eos_token_id  # it learnt to stop


def test_a_run_says_what_it_was_made_of(script, plain_model, tmp_path):
    data = write_folder(tmp_path / 'it\'s [1] * "data"', sft_rows(8), sft_rows(4))
    run = script("sft", data, plain_model, max_steps=1, **FAST)
    run.succeed()
    metadata = run.metadata()
    train = (data / "train.jsonl").read_bytes()
    assert metadata["dataset"]["train"]["sha256"] == hashlib.sha256(train).hexdigest()
    assert metadata["dataset"]["test"]["rows"] == 4
    assert metadata["rows_dropped"] == 0
    assert metadata["steps"] == 1
    assert metadata["config"]["dataset_path"] == str(data)
    assert metadata["script_sha256"] == hashlib.sha256(run.path.read_bytes()).hexdigest()
    assert {"torch", "trl", "transformers", "peft"} <= metadata["versions"].keys()


def test_rows_that_do_not_fit_are_dropped_and_counted(script, plain_model, tmp_path):
    long = {"messages": [user("so " * 400), assistant("Yes.")], "tools": None, "metadata": {}}
    data = write_jsonl(tmp_path / "rows.jsonl", [*sft_rows(8), long])
    run = script("sft", data, plain_model, max_length=128, max_steps=1, **FAST)
    assert "rows: 8 to train on, 1 dropped for having no answer within max_length=128" in run.succeed()
    assert run.metadata()["rows_dropped"] == 1


def test_an_adapter_learns_resumes_and_merges(script, taught_model, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", sft_rows())
    settings = {"learning_rate": 1e-2, "save_steps": 20, "warmup_steps": 2, "lr_scheduler": "constant", **FAST}
    run = script("sft", data, taught_model, max_steps=40, **settings)
    assert "leave --resume out" in run.refuse("--resume")
    run.succeed()
    losses = run.log("loss")
    assert sum(losses[-5:]) / 5 < losses[0] / 3

    assert "already holds a run: go on with --resume" in run.refuse()
    longer = script("sft", data, taught_model, max_steps=50, **settings)
    longer.succeed("--resume")
    assert longer.metadata()["steps"] == 50
    assert longer.log("loss")[:40] == losses  # it went on, and did not start again

    merged = run.output / "merged"
    assert str(merged) in run.succeed("--merge")
    base, _ = load(taught_model)
    whole, tokenizer = load(merged)
    adapted = PeftModel.from_pretrained(load(taught_model)[0], run.output)
    tokens = tokenizer(answer(3), return_tensors="pt")
    assert torch.allclose(logits(whole, tokens), logits(adapted, tokens), atol=1e-4)
    assert not torch.allclose(logits(whole, tokens), logits(base, tokens), atol=1e-2)
    assert "remove it to merge again" in run.refuse("--merge")


def test_four_bit_weights_train_through_an_adapter_that_merges_into_whole_ones(script, taught_model, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", sft_rows())
    run = script("sft", data, taught_model, load_in_4bit=True, max_steps=10, learning_rate=1e-2, **FAST)
    assert '"bitsandbytes>=' in run.path.read_text("utf-8")
    run.succeed()
    losses = run.log("loss")
    assert losses[-1] < 0.8 * losses[0]
    run.succeed("--merge")
    whole, tokenizer = load(run.output / "merged")
    adapted = PeftModel.from_pretrained(load(taught_model)[0], run.output)
    tokens = tokenizer(answer(3), return_tensors="pt")
    assert torch.allclose(logits(whole, tokens), logits(adapted, tokens), atol=1e-4)


def test_wrong_datasets_are_refused_in_a_sentence(script, plain_model, tmp_path):
    def refusal(text):
        data = tmp_path / "wrong.jsonl"
        data.write_text(text, "utf-8")
        return script("sft", data, plain_model).check_here()

    assert refusal("") == f"{tmp_path}/wrong.jsonl has no rows: there is nothing to train on"
    columns = refusal(json.dumps({"question": "q", "answer": "a"}) + "\n")
    assert columns == "line 1 has neither `messages` nor `prompt` and `completion`, but question, answer"
    assert refusal(json.dumps(sft_rows(1)[0]) + '\n{"messages": [').startswith("line 2 is not JSON")
    unanswered = json.dumps({"messages": [user("Hello?")] * 2})
    assert refusal(unanswered) == "line 1 has a `messages` that does not end with the assistant's turn"
    assert script("sft", tmp_path / "gone", plain_model).refuse("--check").startswith("there is no dataset at")


def test_a_run_that_could_not_teach_anything_stops(script, plain_model, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", sft_rows(6))
    sentence = script("sft", data, plain_model, max_length=8).refuse("--check")
    assert sentence == "no row has a token to train within max_length=8: raise max_length, or shorten the prompts"
    run = script("sft", data, plain_model)
    assert run.refuse("--chek") == "--chek is not an option: there are --check, --smoke, --resume and --merge"
    assert run.refuse("--merge").startswith("there is no adapter in ")


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
