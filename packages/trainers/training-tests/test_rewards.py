"""The reward functions and the tools of online GRPO, called as the trainer calls them."""

import asyncio
import importlib.util
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from conftest import answer, assistant, question, teach, user, write_folder
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import get_json_schema

FAST = {"gradient_accumulation_steps": 1, "gradient_checkpointing": False, "logging_steps": 1}
SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
TOOL = {
    "name": "add",
    "description": 'Adds "numbers".\n\nArgs:\n    no: such thing',
    "parameters": {
        "type": "object",
        "properties": {"note": {"type": "string"}, "numbers": {"type": "array", "description": "What to add."}},
        "required": ["numbers"],
    },
}


@contextmanager
def server(reply):
    """An endpoint that answers each JSON body with (status, text), and the bodies that it was sent."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bodies.append(body)
            status, text = reply(body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}", bodies
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def verdict(body, **changes):
    """What a good judge says: 0.75, and the word that it was given."""
    nonce = json.loads(body["messages"][0]["content"].splitlines()[-1].rpartition("else: ")[2])["nonce"]
    content = json.dumps({"score": 0.75, "nonce": nonce} | changes)
    return 200, json.dumps({"choices": [{"message": {"content": content}}]})


@pytest.fixture
def module(script, tmp_path):
    """A generated script, imported: the reward functions are there, and nothing has run."""

    def load(**config):
        data = write_folder(tmp_path / "data", [{"prompt": [user("?")], "reference": "1", "metadata": {}}])
        path = script("grpo", data, "org/model", **config).path
        spec = importlib.util.spec_from_file_location("train_grpo", path)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return loaded

    return load


def says(*texts):
    return [[assistant(text)] for text in texts]


def test_exact_compares_what_matters(module):
    answers = says("Paris.", " paris\n", "Paris, France", "")
    assert module(rewards="exact").exact_reward(completions=answers, reference=["Paris"] * 4) == [1, 1, 0, 0]
    assert module(rewards="exact").exact_reward(completions=says("x", "y"), reference=[None, "y"]) == [None, 1]


@pytest.mark.parametrize(
    ("text", "right", "reward"),
    [
        ("The answer is 42.", "42", 1),
        ("42 apples, and then 7", "42", 0),
        ("so 12 + 30 = \\boxed{42}, not 7", "42", 1),
        ("I first had 7.\n#### 1,042", "1042", 1),
        ("it is 1/3", "0.333333333", 1),
        ("5-3=2", "2", 1),
        ("it is -2", "2", 0),
        (".5", "1/2", 1),
        ("1/0", "0", 0),
        ("no number", "42", 0),
        ("$1,234.50", "#### 1234.5", 1),
        ("9" * 5000, "9", 0),
    ],
)
def test_numeric_finds_the_final_number(module, text, right, reward):
    assert module(rewards="numeric").numeric_reward(completions=says(text), reference=[right]) == [reward]


def test_regex_and_json_schema_look_at_the_answer_alone(module):
    loaded = module(rewards={"regex": {"pattern": '^"""\\d+$'}, "json_schema": {"schema": SCHEMA}})
    assert loaded.regex_reward(completions=says('"""42', "42")) == [1, 0]
    fenced = '```json\n{"sum": 3}\n```'
    answers = says('{"sum": 3}', fenced, '{"sum": "3"}', "{}", "three", "")
    assert loaded.json_schema_reward(completions=answers) == [1, 1, 0, 0, 0, 0]
    assert loaded.json_schema_reward(completions=says("[" * 100_000)) == [0]
    ends_in_a_tool = [[assistant(""), {"role": "tool", "name": "x", "content": '"""42'}]]
    assert loaded.regex_reward(completions=ends_in_a_tool) == [0]


def test_a_judge_that_fails_says_nothing_and_does_not_say_zero(module, monkeypatch):
    monkeypatch.setenv("JUDGE_API_KEY", "secret")

    def reply(body):
        text = json.loads(body["messages"][1]["content"])["answer"]
        return {
            "good": lambda: verdict(body),
            "tells its own score": lambda: verdict(body, nonce="guessed", score=1),
            "above the scale": lambda: verdict(body, score=7),
            "true, not a number": lambda: verdict(body, score=True),
            "not in form": lambda: (200, json.dumps({"choices": [{"message": {"content": "0.9, I think"}}]})),
            "refused": lambda: (401, "no"),
            "overloaded": lambda: (503, "later"),
        }[text]()

    answers = says(
        "good", "tells its own score", "above the scale", "true, not a number", "not in form", "refused", "overloaded"
    )
    metrics = {}
    with server(reply) as (url, bodies):
        loaded = module(rewards={"judge": {"base_url": f"{url}/v1", "model": "judge", "rubric": "Is it kind?"}})
        monkeypatch.setattr(loaded.asyncio, "sleep", no_sleep)
        asked = {"prompts": [[user("Hello?")]] * 7, "completions": answers, "reference": [None] * 7}
        scores = asyncio.run(loaded.judge_reward(**asked, log_metric=metrics.__setitem__))
    assert scores == [0.75, *[None] * 6]
    assert metrics == {"judge_failures": 6}
    assert bodies[0]["model"] == "judge" and bodies[0]["messages"][0]["content"].startswith("Is it kind?")
    case = json.loads(bodies[0]["messages"][1]["content"])
    assert case["conversation"] == [user("Hello?")] and "reference" not in case
    gone = module(rewards={"judge": {"base_url": f"{url}/v1", "model": "judge"}})
    monkeypatch.setattr(gone.asyncio, "sleep", no_sleep)
    assert asyncio.run(gone.judge_reward([[user("?")]], says("x"))) == [None]


async def no_sleep(_):
    pass


def test_a_tool_posts_its_arguments_and_is_described_by_its_schema(module):
    with server(lambda body: (200, str(sum(body["numbers"])))) as (url, bodies):
        [tool] = module(tools=[{**TOOL, "url": f"{url}/add"}]).CONFIG["tools"]
        call = module(tools=[{**TOOL, "url": f"{url}/add"}]).http_tool(tool)
        assert asyncio.run(call(numbers=[1, 2])) == "3"
    assert bodies == [{"numbers": [1, 2]}]
    described = get_json_schema(call)["function"]
    assert described["name"] == "add"
    assert described["description"] == 'Adds "numbers". Args - no: such thing'
    assert described["parameters"]["properties"]["numbers"] == {"type": "array", "description": "What to add."}
    assert described["parameters"]["required"] == ["numbers"]


def test_a_judge_a_reward_model_and_tools_take_part_in_a_training(script, qwen_model, tmp_path):
    reward_model = tmp_path / "reward"
    torch.manual_seed(0)
    base = AutoModelForSequenceClassification.from_pretrained(qwen_model, num_labels=1)
    adapter = get_peft_model(base, LoraConfig(task_type="SEQ_CLS", target_modules="all-linear"))
    adapter.save_pretrained(reward_model)
    AutoTokenizer.from_pretrained(qwen_model).save_pretrained(reward_model)
    rows = [{"prompt": [user(question(i))], "reference": answer(i), "metadata": {}} for i in range(4)]
    data = write_folder(tmp_path / "data", rows)
    with server(verdict) as (url, bodies):
        run = script(
            "grpo", data, qwen_model, **FAST, max_steps=1, batch_size=4, num_generations=2, max_completion_length=8,
            rewards={
                "judge": {"base_url": f"{url}/v1", "model": "judge"},
                "model": {"path": str(reward_model), "weight": 0.5},
            },
            tools=[{**TOOL, "url": f"{url}/add"}],
        )  # fmt: skip
        run.succeed()
    assert len(bodies) == 4
    assert json.loads(bodies[0]["messages"][1]["content"])["reference"] in [answer(i) for i in range(4)]
    assert run.log("rewards/judge_reward/mean") == [0.75]
    [reward] = run.log("reward")
    [scored] = [value for entry in run.metadata()["log"] for name, value in entry.items() if is_model_mean(name)]
    assert abs(reward - (0.75 + 0.5 * scored)) < 1e-4


def test_a_model_that_calls_a_tool_goes_on_from_its_result(script, module, qwen_model, tmp_path):
    call = {"type": "function", "function": {"name": "add", "arguments": {"numbers": [1, 2]}}}
    turns = [user("Add."), assistant("", tool_calls=[call]), {"role": "tool", "name": "add", "content": "It is 3"}]
    data = write_folder(tmp_path / "rows", [{"prompt": [user("Add.")], "reference": "3", "metadata": {}}] * 4)
    with server(lambda body: (200, f"It is {sum(body['numbers'])}")) as (url, bodies):
        tools = [{**TOOL, "url": f"{url}/add"}]
        tool = module(tools=tools).http_tool(tools[0])
        model = teach(qwen_model, [[*turns, assistant("3")]], tmp_path / "model", tools=[tool])
        run = script(
            "grpo", data, model, **FAST, max_steps=1, batch_size=4, num_generations=4, max_completion_length=192,
            temperature=0.1, rewards="numeric", tools=tools,
        )  # fmt: skip
        run.succeed()
    assert len(bodies) >= 2 and {"numbers": [1, 2]} in bodies
    assert run.log("tools/call_frequency")[0] >= 0.5
    assert run.log("reward")[0] >= 0.5  # the answer after the result is 3, before it there is no number


def is_model_mean(name):
    return name.startswith("rewards/") and name.endswith("/mean") and "judge" not in name
