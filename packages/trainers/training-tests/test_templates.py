"""Whether the scripts' settings exist in the installed libraries, whatever their version."""

import ast
import dataclasses
import inspect
import json
import re
from importlib.metadata import version

import pytest
from conftest import sft_rows, write_jsonl
from packaging.requirements import Requirement
from peft import LoraConfig
from transformers import BitsAndBytesConfig
from trl import DPOConfig, SFTConfig

CONFIGS = {"sft": SFTConfig, "dpo": DPOConfig}


@pytest.fixture(params=CONFIGS)
def parsed(request, script, tmp_path):
    data = write_jsonl(tmp_path / "rows.jsonl", sft_rows(1))
    source = script(request.param, data, "org/model").path.read_text("utf-8")
    return request.param, source, ast.parse(source)


def test_every_setting_is_a_field_of_the_installed_libraries(parsed):
    kind, source, tree = parsed
    fields = {field.name for field in dataclasses.fields(CONFIGS[kind])}
    used = keywords(tree, CONFIGS[kind].__name__) | settings(tree)
    assert len(used) > 25
    assert used - fields == set()
    lora = {field.name for field in dataclasses.fields(LoraConfig)}
    config = json.loads(source.split('r"""')[1].split('"""')[0])
    assert (keywords(tree, "LoraConfig") | config["lora"].keys()) - lora == set()
    quantization = set(inspect.signature(BitsAndBytesConfig.__init__).parameters)
    assert keywords(tree, "BitsAndBytesConfig") - quantization == set()


def test_every_value_of_the_config_is_used(parsed):
    _, source, _ = parsed
    config = json.loads(source.split('r"""')[1].split('"""')[0])
    unused = [name for name in config if f'CONFIG["{name}"]' not in source]
    assert unused == []


def test_the_installed_versions_are_in_the_declared_ranges(parsed):
    _, source, _ = parsed
    requirements = [Requirement(text) for text in re.findall(r'^#   "(.+)",$', source, flags=re.MULTILINE)]
    assert len(requirements) == 6
    for requirement in requirements:
        assert requirement.specifier.contains(version(requirement.name)), requirement


def keywords(tree, name):
    """The keyword arguments of every call of that name."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", None) == name]
    assert calls
    return {keyword.arg for call in calls for keyword in call.keywords if keyword.arg}


def settings(tree):
    """The keys of the settings that run_settings gives."""
    [function] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run_settings"]
    updates = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "update"
    ]
    literals = [node for node in ast.walk(function) if isinstance(node, ast.Dict)]
    return {key.value for literal in literals for key in literal.keys} | {
        keyword.arg for update in updates for keyword in update.keywords
    }
