"""The example that closes the loop: an agent answers, its traffic is scored and trained on, and it answers better."""

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def test_an_agent_gets_better_at_what_it_never_saw_by_what_it_answered(tmp_path):
    example = REPOSITORY / "examples" / "full-loop" / "src" / "full-loop.ts"
    folder = tmp_path / "loop"
    command = ["node", "--import", "tsx", str(example), "--python", sys.executable, "--out", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    result = json.loads(done.stdout)
    print(f"before {result['before']:.3f}, after {result['after']:.3f}, 95 % interval {result['interval']}")
    assert 0.2 < result["before"] < 0.8, "the model has to know something, and to have something to learn"
    assert result["interval"][0] > 0

    # The scripts ran under `whetstone train`, which wrote down what they did.
    runs = [json.loads(path.read_text("utf-8")) for path in (folder / ".whetstone" / "runs").glob("*/run.json")]
    trained = {Path(run["script"]).name: run for run in runs if run["steps"]}
    assert set(trained) == {"train-sft.py", "train-grpo-offline.py"}
    assert all(run["status"] == "done" and run["step"] == run["steps"] for run in trained.values())
    assert trained["train-sft.py"]["metrics"]["loss"] > 0
    for script, run in trained.items():
        metadata = json.loads((folder / run["output_dir"] / "run_metadata.json").read_text("utf-8"))
        assert run["dataset"]["train"]["sha256"] == metadata["dataset"]["train"]["sha256"], script
        assert run["versions"].items() >= metadata["versions"].items(), script
