import torch
from conftest import (
    answer,
    dpo_rows,
    likelihood,
    logits,
    losses_on,
    resumed,
    sft_rows,
    user,
    write_folder,
    write_jsonl,
    wrong_answer,
)
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

FAST = {"batch_size": 4, "gradient_accumulation_steps": 1, "gradient_checkpointing": False, "logging_steps": 1}


def test_check_shows_both_answers(script, plain_model, tmp_path):
    data = write_folder(tmp_path / "data", dpo_rows(), dpo_rows(4))
    output = script("dpo", data, plain_model).succeed("--check")
    assert losses_on(output) == [answer(0), "Who knows, perhaps 0?", answer(1), "Who knows, perhaps 1?"]
    assert "rows: 28 to train on, 0 dropped" in output


def test_smoke_runs_anywhere(script, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", dpo_rows())
    run = script("dpo", data, "nobody/has-this-model", use_lora=False, rpo_alpha=0.2)
    assert "smoke passed: 2 steps" in run.succeed("--smoke")
    assert not run.output.exists()


def test_training_makes_the_chosen_answer_likelier_than_the_rejected_one(script, plain_model, datasets):
    data = datasets / "dpo"
    run = script("dpo", data, plain_model, use_lora=False, max_steps=40, learning_rate=1e-3, eval_steps=40, **FAST)
    run.succeed()
    margins = run.log("rewards/margins")
    assert abs(margins[0]) < 1e-3
    assert sum(margins[-5:]) / 5 > 1
    gaps = [chosen - rejected for chosen, rejected in zip(run.log("logps/chosen"), run.log("logps/rejected"))]
    assert gaps[-1] > gaps[0] + 10
    assert run.log("eval_rewards/accuracies")[-1] == 1
    # The trainer's word is not all: the saved model itself prefers the chosen answer more than the base did.
    assert preference(run.output) > preference(plain_model) + 5


def test_it_goes_on_from_an_sft_adapter_which_is_merged_first(script, taught_model, datasets):
    sft = script(
        "sft", datasets / "sft", taught_model, name="sft", max_steps=30, learning_rate=1e-2, warmup_steps=1, **FAST
    )
    sft.succeed()
    settings = {"learning_rate": 1e-2, "lr_scheduler": "constant", "warmup_steps": 1, "save_steps": 15, **FAST}
    run = script("dpo", datasets / "dpo", sft_model=sft.output, max_steps=30, **settings)
    assert losses_on(run.succeed("--check"))[0] == answer(0)
    assert "merging the adapter" in run.succeed()

    start = run.output / "start-model"
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(taught_model), sft.output)
    tokens = AutoTokenizer.from_pretrained(start)(answer(3), return_tensors="pt")
    assert torch.allclose(logits(start, tokens), logits(adapted, tokens), atol=1e-4)
    assert abs(run.log("rewards/margins")[0]) < 1e-3  # the reference is the SFT model, not the bare base
    assert run.log("rewards/margins")[-1] > 0.5

    run.succeed("--merge")
    trained = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(start), run.output)
    assert torch.allclose(logits(run.output / "merged", tokens), logits(trained, tokens), atol=1e-4)
    assert preference(run.output / "merged") > preference(start) + 2
    resumed(script, run, 34, "dpo", datasets / "dpo", sft_model=sft.output, **settings)


def test_two_processes_share_the_rows_and_one_of_them_merges_the_adapter(script, taught_model, tmp_path):
    adapter = tmp_path / "adapter"
    lora = LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear")
    get_peft_model(AutoModelForCausalLM.from_pretrained(taught_model), lora).save_pretrained(adapter)
    data = write_jsonl(tmp_path / "rows.jsonl", dpo_rows(16))
    run = script("dpo", data, sft_model=adapter, max_steps=2, **FAST)
    output = run.succeed(processes=2)
    assert output.count("merging the adapter") == 1
    assert run.log("epoch")[0] == 0.5  # 8 of 16 rows in one step: 4 for each process
    assert (run.output / "start-model" / "config.json").is_file()


def test_wrong_datasets_are_refused_in_a_sentence(script, plain_model, tmp_path):
    def refusal(rows):
        return script("dpo", write_jsonl(tmp_path / "wrong.jsonl", rows), plain_model).check_here()

    assert refusal(sft_rows(1)) == "line 1 has no `prompt`, but messages, tools, metadata"
    [row] = dpo_rows(1)
    assert refusal([row, {**row, "rejected": row["chosen"]}]) == (
        "line 2 has the same answer as `chosen` and as `rejected`"
    )
    assert refusal([{**row, "chosen": [user("no")]}]).endswith("`chosen` that does not end with the assistant's turn")
    strings = {"prompt": "q", "chosen": "a", "rejected": "b"}
    assert "is a text in some rows and a list in others" in refusal([row, strings])


def test_rows_of_plain_text_train_without_a_chat_template(script, plain_model, tmp_path):
    rows = [{"prompt": f"{i}+1=", "chosen": str(i + 1), "rejected": "?"} for i in range(6)]
    data = write_jsonl(tmp_path / "rows.jsonl", rows)
    assert losses_on(script("dpo", data, plain_model).succeed("--check"))[:2] == ["1", "?"]


def preference(folder):
    """How much likelier a model finds the chosen answer than the rejected one, on average."""
    gaps = [likelihood(folder, i, answer(i)) - likelihood(folder, i, wrong_answer(i)) for i in range(8)]
    return sum(gaps) / len(gaps)
