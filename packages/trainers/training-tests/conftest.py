"""What the training tests share: a tiny model, small datasets, and a way to run a script as a user does."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import trl
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

HERE = Path(__file__).parent

# A template without marks around the answers, which no library knows.
PLAIN_TEMPLATE = (
    "{% for turn in messages %}{{ '<|im_start|>' + turn.role + '\n' + turn.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# One that forgets what the assistant said.
HIDING_TEMPLATE = "{% for turn in messages if turn.role == 'user' %}{{ turn.content + '<|im_end|>' }}{% endfor %}"
QWEN_TEMPLATE = (Path(trl.__file__).parent / "chat_templates" / "qwen2_5.jinja").read_text("utf-8")


def question(i):
    return f"What is {i} plus {i + 1}?"


def answer(i):
    return f"The answer is {2 * i + 1}."


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def sft_rows(count=28):
    """Rows as the dataset builder writes them. Metadata differs in type from row to row, as real metadata does."""
    return [
        {
            "messages": [{"role": "system", "content": "You add."}, user(question(i)), assistant(answer(i))],
            "tools": None,
            "metadata": {"interaction_id": str(i), "quality_score": i / 28, "timestamp": "2026-01-01" if i % 2 else i},
        }
        for i in range(count)
    ]


def agent_rows(count=12):
    """Rows of an agent that calls a tool before it answers."""
    tools = [
        {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}
    ]
    rows = []
    for i in range(count):
        call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": {"a": i, "b": i + 1}}}
        turns = [user(question(i)), assistant("", tool_calls=[call])]
        turns += [{"role": "tool", "content": str(2 * i + 1), "tool_call_id": "c1"}, assistant(answer(i))]
        rows.append({"messages": turns, "tools": tools, "metadata": {"interaction_id": str(i)}})
    return rows


def wrong_answer(i):
    return f"Who knows, perhaps {i}?"


def dpo_rows(count=28):
    return [
        {
            "prompt": [user(question(i))],
            "chosen": [assistant(answer(i))],
            "rejected": [assistant(wrong_answer(i))],
            "metadata": {"quality_diff": 0.5, "chosen_score": 1.0, "rejected_score": 0.5},
        }
        for i in range(count)
    ]


REPLIES = [
    (answer, 1.0),
    (lambda i: f"{i} plus {i + 1} is {2 * i + 1}, I think.", 0.7),
    (str, 0.3),
    (wrong_answer, 0.0),
]


def interactions(count=28):
    """Scored answers to the same questions, good and bad, as a store holds them."""
    return [
        {
            "interactionId": f"{i}-{rank}",
            "timestamp": 1_760_000_000_000 + 1000 * i + rank,
            "query": question(i),
            "answer": reply(i),
            "agentType": "math" if i % 4 else "general",
            "qualityScores": {"overall": score},
            "latencyMs": 12,
            "toolsUsed": [],
            "errorOccurred": False,
            "reference": str(2 * i + 1),
        }
        for i in range(count)
        for rank, (reply, score) in enumerate(REPLIES)
    ]


@pytest.fixture(scope="session")
def datasets(tmp_path_factory):
    """A folder with a dataset folder of every kind, each written by its builder out of a store."""
    folder = tmp_path_factory.mktemp("datasets")
    command = ["node", str(HERE / "build-datasets.mjs"), str(folder)]
    node = subprocess.run(command, input=json.dumps(interactions()), capture_output=True, text=True)
    assert node.returncode == 0, node.stderr
    return folder


def rows_of(folder, split="train"):
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text("utf-8").splitlines()]


def write_jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def write_folder(folder, rows, test_rows=()):
    write_jsonl(folder / "train.jsonl", rows)
    if test_rows:
        write_jsonl(folder / "test.jsonl", test_rows)
    return folder


def make_model(folder, chat_template):
    """A random two-layer model with a byte-level tokenizer of 600 tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([question(i) + answer(i) for i in range(60)], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=chat_template
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def plain_model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("plain-model"), PLAIN_TEMPLATE)


@pytest.fixture(scope="session")
def qwen_model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("qwen-model"), QWEN_TEMPLATE)


@pytest.fixture(scope="session")
def taught_model(plain_model, tmp_path_factory):
    """The plain model after a minute of school: it speaks, so that an adapter has something to adapt."""
    lessons = [[user(question(i)), assistant(reply(i))] for i in range(28) for reply, _ in REPLIES[1:]]
    return teach(plain_model, lessons, tmp_path_factory.mktemp("taught-model"))


def teach(model, conversations, folder, tools=None):
    """Trains a model on whole conversations, and saves it to a folder."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    model = AutoModelForCausalLM.from_pretrained(model)
    texts = [tokenizer.apply_chat_template(turns, tools=tools, tokenize=False) for turns in conversations]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    torch.manual_seed(0)
    for _ in range(200):
        batch = tokenizer(
            [texts[at] for at in torch.randint(len(texts), (min(8, len(texts)),))],
            return_tensors="pt",
            padding=True,
            padding_side="right",
        )
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    os.environ["HF_HOME"] = str(tmp_path_factory.mktemp("hf"))
    os.environ["HF_DATASETS_CACHE"] = str(tmp_path_factory.mktemp("datasets"))


class Script:
    """A generated script, and the folder it writes to."""

    def __init__(self, path, output):
        self.path, self.output = path, output

    def run(self, *flags, processes=1):
        """Runs the script as a user does, and gives back its exit code with what it printed and what it complained."""
        many = []
        if processes > 1:
            # The file that lies beside the script, but on the CPU.
            on_gpus = (self.path.parent / "accelerate" / "ddp.yaml").read_text("utf-8")
            on_cpus = on_gpus.replace("use_cpu: false", "use_cpu: true")
            config = self.path.with_suffix(".ddp.yaml")
            config.write_text(on_cpus, "utf-8")
            many = ["-m", "accelerate.commands.launch", "--config_file", str(config), "--num_processes", str(processes)]
        command = [sys.executable, *many, str(self.path), *flags]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.path.parent, timeout=1800)
        return done.returncode, done.stdout, done.stderr

    def succeed(self, *flags, processes=1):
        code, out, err = self.run(*flags, processes=processes)
        assert code == 0, err[-3000:]
        return out

    def check_here(self):
        """Runs `--check` within this process, which is quicker, and gives back what it stops with, if it does."""
        argv, sys.argv = sys.argv, [str(self.path), "--check"]
        try:
            runpy.run_path(str(self.path), run_name="__main__")
        except SystemExit as stop:
            return str(stop.code).strip().splitlines()[-1].strip()
        finally:
            sys.argv = argv
        return None

    def refuse(self, *flags):
        """Runs a script that has to stop with one sentence, not with a traceback, and gives the sentence back."""
        code, out, err = self.run(*flags)
        assert code == 1, out + err
        assert "Traceback" not in err, err
        return err.strip().splitlines()[-1].strip()

    def metadata(self):
        return json.loads((self.output / "run_metadata.json").read_text("utf-8"))

    def log(self, key):
        return [entry[key] for entry in self.metadata()["log"] if key in entry]


@pytest.fixture
def script(tmp_path):
    """Generates a script with the built package."""

    def generate(kind, dataset, model=None, sft_model=None, name="run", agent=None, **config):
        output = tmp_path / f"{name}-model"
        options = {
            "path": str(tmp_path / f"{name}.py"),
            "datasetPath": str(dataset),
            "outputDir": str(output),
            "overwrite": True,
            "sftModelPath": sft_model and str(sft_model),
            "agentType": agent,
            "config": {**({"baseModel": model} if model else {}), **config},
        }
        given = json.dumps({"kind": kind, "options": options})
        node = subprocess.run(["node", str(HERE / "generate.mjs")], input=given, capture_output=True, text=True)
        assert node.returncode == 0, node.stderr
        return Script(Path(json.loads(node.stdout)["scriptPath"]), output)

    return generate


def resumed(script, run, steps, *args, **config):
    """Goes on with a run for some steps more, and checks that it went on and did not start again."""
    before = run.log("loss")
    longer = script(*args, **config, max_steps=steps)
    longer.succeed("--resume")
    assert longer.metadata()["steps"] == steps
    assert longer.log("loss")[: len(before)] == before
    assert len(longer.log("loss")) > len(before)


def losses_on(output):
    """The texts that a script says its loss is on, less the marks that end a turn."""
    found = re.findall(r'^LOSS ON(?:, [^:]+)?: (".*")$', output, flags=re.MULTILINE)
    return [json.loads(text).removesuffix("\n").removesuffix("<|im_end|>") for text in found]


def likelihood(folder, i, text):
    """The log probability with which a saved model gives that answer to question i."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    start, tokens = conversation(tokenizer, i, text)
    scores = logits(model, tokens)[0, :-1].log_softmax(-1)
    targets = tokens["input_ids"][0, 1:]
    return scores[torch.arange(len(targets)), targets][start - 1 :].sum().item()


def score(folder, i, text):
    """What a saved reward model thinks of that answer to question i."""
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    return logits(model, conversation(tokenizer, i, text)[1]).item()


def conversation(tokenizer, i, text):
    """Where the answer starts, and the tokens of question and answer."""
    prompt = tokenizer.apply_chat_template([user(question(i))], add_generation_prompt=True, tokenize=False)
    whole = tokenizer.apply_chat_template([user(question(i)), assistant(text)], tokenize=False)
    return len(tokenizer(prompt)["input_ids"]), tokenizer(whole, return_tensors="pt")


def logits(model, tokens):
    """What a model, or the one that is saved in a folder, makes of tokens."""
    model = model if isinstance(model, torch.nn.Module) else AutoModelForCausalLM.from_pretrained(model)
    with torch.no_grad():
        return model(**tokens).logits
