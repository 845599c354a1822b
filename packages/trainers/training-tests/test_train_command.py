"""That uv runs a script under `whetstone train`, and that the `hf` command takes what `--remote` prints for it."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter

import click
from conftest import HERE, sft_rows, write_folder
from huggingface_hub import SpaceHardware
from huggingface_hub.cli import hf

WHETSTONE = ["node", str(HERE.parents[1] / "cli" / "bin" / "whetstone.js")]

# A script in the form of ours that needs nothing but Python.
SCRIPT = '''# /// script
# requires-python = ">=3.10"
# dependencies = [
# ]
# ///
import json, sys
CONFIG = json.loads(r"""
{
  "dataset_path": "data",
  "output_dir": "model"
}
""")
sys.stderr.write("100%|####| 3/3 [00:01<00:00,  3.41it/s]")
print({"loss": 0.25})
'''


def test_uv_runs_a_script_in_an_environment_of_its_own(tmp_path):
    write_folder(tmp_path / "data", sft_rows(2))
    (tmp_path / "train.py").write_text(SCRIPT, "utf-8")
    # The tests' interpreters are for running things as `bin/python -m`, so uv is called by its package.
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m uv "$@"\n', "utf-8")
    uv.chmod(0o755)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("UV_")},
        "PATH": f"{uv.parent}:{os.environ['PATH']}",
        "UV_OFFLINE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [*WHETSTONE, "train", "train.py", "--json"], capture_output=True, text=True, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert (run["python"], run["status"], run["step"]) == ("uv", "done", 3)
    assert run["metrics"] == {"loss": 0.25}
    assert re.fullmatch(r"3\.\d+\.\d+\S*", run["versions"]["python"])


def test_hugging_faces_command_takes_every_command_that_is_printed_for_it(script, tmp_path):
    path = script("sft", "datasets/sft").path
    text = path.read_text("utf-8").replace(f"{tmp_path}/", "./")
    path.write_text(text, "utf-8")
    command = [*WHETSTONE, "train", path.name, "--remote", "hf-jobs", "--gpus", "4"]
    printed = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True).stdout
    lines = [shlex.split(line, comments=True) for line in printed.replace("\\\n", "").splitlines()]
    [job] = [line[-1] for line in lines if line[:3] == ["hf", "jobs", "run"]]
    [whoami] = re.findall(r"\$\(hf (.*?)\)", printed)
    within = [shlex.split(step) for step in job.split(" && ") if step.startswith("uvx ")]
    calls = [line[1:] for line in lines if line[:1] == ["hf"]] + [line[4:] for line in within] + [shlex.split(whoami)]
    parsed = [(" ".join(call[:2]), settings(call)) for call in calls]
    count = Counter(name.split()[0] for name, _ in parsed)
    assert count == {"repos": 1, "upload": 5, "jobs": 3, "download": 2, "auth": 1}
    started = dict(parsed)["jobs run"]
    assert started["timeout"] == "8h" and started["command"][:2] == ("bash", "-c")
    assert started["flavor"] in {machine.value for machine in SpaceHardware}


def settings(words):
    """What Hugging Face's command makes of some words; it refuses what it does not know."""
    command, context = hf.app, None
    while True:
        context = command.make_context(command.name, list(words), parent=context)
        if not isinstance(command, click.Group):
            return context.params
        _, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
