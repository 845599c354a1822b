"""Whether the scripts' settings exist in the installed libraries, whatever their version."""

import ast
import dataclasses
import importlib
import inspect
import json
import re
import runpy
import subprocess
import sys
import warnings
from importlib.metadata import version

import pytest
from conftest import sft_rows, write_jsonl
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import launch_command_parser
from packaging.requirements import Requirement
from peft import LoraConfig
from transformers import BitsAndBytesConfig, TrainingArguments
from trl import DPOConfig, GRPOConfig, KTOConfig, RewardConfig, SFTConfig

CONFIGS = {
    "sft": SFTConfig,
    "dpo": DPOConfig,
    "kto": KTOConfig,
    "reward": RewardConfig,
    "grpo": GRPOConfig,
    "grpo-offline": TrainingArguments,
}


@pytest.fixture(params=CONFIGS)
def parsed(request, script, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", sft_rows(1))
    path = script(request.param, data, "org/model").path
    source = path.read_text("utf-8")
    return request.param, source, ast.parse(source), runpy.run_path(str(path), run_name="imported")


def test_every_setting_is_a_field_of_the_installed_libraries(parsed):
    kind, source, tree, code = parsed
    fields = {field.name for field in dataclasses.fields(CONFIGS[kind])}
    common = code["run_settings"](has_test=True)
    used = keywords(tree, CONFIGS[kind].__name__) | common.keys() | updates(tree)
    assert len(used) > 25
    assert used - fields == set()
    lora = {field.name for field in dataclasses.fields(LoraConfig)}
    config = json.loads(source.split('r"""')[1].split('"""')[0])
    assert (keywords(tree, "LoraConfig") | config["lora"].keys()) - lora == set()
    quantization = set(inspect.signature(BitsAndBytesConfig.__init__).parameters)
    assert keywords(tree, "BitsAndBytesConfig") - quantization == set()


def test_no_common_setting_has_a_name_that_the_installed_libraries_warn_of(parsed):
    kind, _, _, code = parsed
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        args = CONFIGS[kind](**code["run_settings"](has_test=True))
    assert args.gradient_checkpointing is code["CONFIG"]["gradient_checkpointing"] is True


def test_every_value_of_the_config_is_used(parsed):
    _, source, _, _ = parsed
    config = json.loads(source.split('r"""')[1].split('"""')[0])
    unused = [name for name in config if f'CONFIG["{name}"]' not in source]
    assert unused == []


def test_the_installed_versions_are_in_the_declared_ranges(parsed):
    kind, source, _, _ = parsed
    requirements = [Requirement(text) for text in re.findall(r'^#   "(.+)",$', source, flags=re.MULTILINE)]
    assert len(requirements) == (8 if kind == "grpo" else 6)
    for requirement in requirements:
        assert requirement.specifier.contains(version(requirement.name)), requirement


@pytest.mark.parametrize("kind", [kind for kind in CONFIGS if kind != "grpo-offline"])
def test_the_file_for_trls_own_command_is_understood_by_it(script, datasets, tmp_path, kind):
    config = {"learning_rate": 1e-7, "save_steps": 7, "run_name": 'an 😀 "name": yes', "precision": "fp32"}
    run = script(kind, datasets / kind, "org/model", **config)
    file = run.path.with_suffix(".yaml")
    parser = importlib.import_module(f"trl.scripts.{kind}").make_parser()
    # What it does not know, it refuses.
    parsed = parser.parse_args_and_config(args=["--config", str(file)])
    everything = {name: value for part in parsed[:3] for name, value in vars(part).items()}
    script_config = json.loads(run.path.read_text("utf-8").split('r"""')[1].split('"""')[0])
    assert everything["model_name_or_path"] == "org/model"
    assert everything["dataset_name"] == str(datasets / kind)
    assert everything["learning_rate"] == 1e-7
    assert everything["run_name"] == config["run_name"]
    assert everything["lora_r"] == script_config["lora"]["r"] and everything["use_peft"] is True
    assert everything["lora_task_type"] == ("SEQ_CLS" if kind == "reward" else "CAUSAL_LM")
    assert everything["warmup_steps"] == 0.1 and everything["save_steps"] == 7
    names = yaml.safe_load(file.read_text("utf-8")).keys() & script_config.keys()
    assert len(names) > 15
    listed = {"report_to": "none", "reward_funcs": None}
    for name in names - listed.keys() - {"lr_scheduler_type", "optim"}:
        assert everything[name] == script_config[name], name


def test_trls_own_command_trains_with_the_rewards_of_the_script(script, plain_model, datasets):
    settings = {"max_steps": 1, "batch_size": 4, "gradient_accumulation_steps": 1, "num_generations": 2}
    settings |= {"max_completion_length": 8, "precision": "fp32", "logging_steps": 1, "rewards": "numeric"}
    run = script("grpo", datasets / "grpo", plain_model, **settings)
    command = [sys.executable, "-m", "trl.scripts.grpo", "--config", run.path.with_suffix(".yaml").name]
    done = subprocess.run(command, capture_output=True, text=True, cwd=run.path.parent, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "rewards/numeric_reward/mean" in done.stdout
    assert (run.output / "adapter_config.json").is_file()


@pytest.mark.parametrize("name", ["ddp", "fsdp2", "zero3", "zero2-offload"])
def test_the_files_for_several_gpus_say_nothing_that_accelerate_does_not_know(script, datasets, name):
    file = script("sft", datasets / "sft").path.parent / "accelerate" / f"{name}.yaml"
    config = load_config_from_file(str(file))  # refuses what it does not know at the top
    options = {action.dest for action in launch_command_parser()._actions}
    assert (config.fsdp_config.keys() | config.deepspeed_config.keys()) - options == set()
    assert config.num_processes == 2


def keywords(tree, name):
    """The keyword arguments of every call of that name; those that come as a whole are checked where they are made."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", None) == name]
    assert calls
    return {keyword.arg for call in calls for keyword in call.keywords if keyword.arg}


def updates(tree):
    """The settings that run_settings has for --check and --smoke alone."""
    [function] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run_settings"]
    calls = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "update"
    ]
    return {keyword.arg for call in calls for keyword in call.keywords}
