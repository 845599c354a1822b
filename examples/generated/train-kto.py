# /// script
# requires-python = ">=3.10"
# dependencies = [
#   "torch>=2.13,<3",
#   "trl>=1.13,<1.17",
#   "transformers>=5.18,<5.24",
#   "peft>=0.21,<0.22",
#   "datasets>=5.0.1,<5.3",
#   "accelerate>=1.15,<1.16",
# ]
# ///
"""Kahneman-Tversky optimisation (KTO): teaches a chat model from single answers marked as good or bad.

    uv run SCRIPT.py            trains, and saves to output_dir
    uv run SCRIPT.py --check    reads and tokenises the dataset, shows what the loss is on, trains nothing
    uv run SCRIPT.py --smoke    two steps of a tiny random model on the CPU: does it run at all?
    uv run SCRIPT.py --resume   goes on from the newest checkpoint in output_dir
    uv run SCRIPT.py --merge    folds the trained adapter into its base model: output_dir/merged

Without uv: pip install -r requirements.txt, then python in place of uv run.
On several GPUs: accelerate launch --config_file accelerate/ddp.yaml SCRIPT.py
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

CHECK, SMOKE, RESUME, MERGE = (flag in sys.argv for flag in ("--check", "--smoke", "--resume", "--merge"))
if CHECK or SMOKE:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # neither is worth a GPU
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from datasets import Dataset, Features, Json, List, Value
from peft import LoraConfig, PeftModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    TrainingArguments,
)
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import is_flash_attn_2_available, is_kernels_available
from trl import KTOConfig, KTOTrainer

# Every setting of this run. Paths are relative to the folder the script is started in.
CONFIG = json.loads(r"""
{
  "model": "./sft-model",
  "trust_remote_code": false,
  "dataset_path": "./datasets/kto",
  "agent_type": null,
  "output_dir": "./kto-model",
  "max_length": 2048,
  "num_train_epochs": 1,
  "max_steps": null,
  "per_device_train_batch_size": 4,
  "per_device_eval_batch_size": 4,
  "gradient_accumulation_steps": 4,
  "gradient_checkpointing": true,
  "learning_rate": 0.00001,
  "lr_scheduler_type": "cosine",
  "warmup_steps": 0.1,
  "weight_decay": 0,
  "max_grad_norm": 1,
  "optim": "adamw_torch_fused",
  "seed": 42,
  "precision": "auto",
  "attention": "auto",
  "lora": {
    "r": 16,
    "lora_alpha": 32,
    "lora_dropout": 0.05,
    "target_modules": "all-linear"
  },
  "load_in_4bit": false,
  "logging_steps": 10,
  "save_steps": null,
  "eval_steps": null,
  "save_total_limit": 2,
  "load_best_model_at_end": false,
  "report_to": [],
  "run_name": null,
  "project": null,
  "beta": 0.1,
  "loss_type": "kto",
  "desirable_weight": null,
  "undesirable_weight": null
}
""")

OUTPUT = Path(CONFIG["output_dir"]).expanduser()
COLUMNS = ["prompt", "completion", "label", "tools"]
ROLES = {"system", "user", "assistant", "tool"}
SAMPLE = 1000  # rows that are looked at where looking at all of them would take long


def main():
    for argument in sys.argv[1:]:
        if argument not in ("--check", "--smoke", "--resume", "--merge"):
            sys.exit(f"{argument} is not an option: there are --check, --smoke, --resume and --merge")
    if MERGE:
        return merge_adapter()

    checkpoint = None if CHECK or SMOKE else last_checkpoint()
    files = {split: read_file(path) for split, path in dataset_files().items()}
    # The trainer keeps the order of the rows, so that good and bad ones have to be mixed beforehand.
    rows = {split: part.shuffle(seed=CONFIG["seed"]) for split, part in load_splits(files).items()}
    tokenizer = load_tokenizer(rows["train"])
    weights = class_weights(rows["train"]["label"])
    if SMOKE:
        rows = {"train": shortest(rows["train"])}

    args = KTOConfig(
        **run_settings(has_test="test" in rows),
        **weights,
        max_length=CONFIG["max_length"],
        beta=CONFIG["beta"],
        loss_type=CONFIG["loss_type"],
        train_sampling_strategy="sequential",
        # With LoRA the reference model is the base without its adapter; else its answers are computed beforehand.
        precompute_ref_log_probs=not CHECK and not CONFIG["lora"],
    )
    model = tiny_model(tokenizer) if CHECK or SMOKE else load_model(args)
    trainer = KTOTrainer(
        model=model,
        args=args,
        train_dataset=rows["train"],
        eval_dataset=rows.get("test"),
        processing_class=tokenizer,
        peft_config=lora_config(),
    )
    dropped = len(rows["train"]) - len(trainer.train_dataset)
    show_loss(trainer, dropped)
    if CHECK:
        return say("check passed")

    result = trainer.train(resume_from_checkpoint=checkpoint)
    if SMOKE:
        return say(f"smoke passed: 2 steps, loss {result.training_loss:.3f}")
    trainer.save_model()
    save_metadata(trainer, files, dropped)
    say(f"saved to {OUTPUT}")


def last_checkpoint():
    """The checkpoint to go on from. A folder that holds a run is never written over."""
    last = get_last_checkpoint(OUTPUT) if OUTPUT.is_dir() else None
    if RESUME and last is None:
        sys.exit(f"there is no checkpoint in {OUTPUT}: leave --resume out")
    if not RESUME and (last or (OUTPUT / "run_metadata.json").exists()):
        sys.exit(f"{OUTPUT} already holds a run: go on with --resume, or choose another output_dir")
    return last


def dataset_files():
    """A dataset is a folder with train.jsonl and perhaps test.jsonl, or a single .jsonl file."""
    place = Path(CONFIG["dataset_path"]).expanduser()
    files = {"train": place / "train.jsonl" if place.is_dir() else place}
    if not files["train"].is_file():
        sys.exit(f"there is no dataset at {files['train']}: check dataset_path, and the folder you are in")
    test = place / "test.jsonl"
    if test.is_file() and test.stat().st_size > 0:
        files["test"] = test
    return files


def read_file(path):
    """Reads every row once, so that what is wrong is said here, with its line, and not by the trainer an hour later."""
    digest, columns, problems, count = hashlib.sha256(), {}, [], 0
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            digest.update(line)
            line = line.removeprefix(b"\xef\xbb\xbf").strip()
            if not line:
                continue
            count += 1
            try:
                row = json.loads(line)
            except ValueError as error:
                problems.append(f"line {number} is not JSON: {error}")
                continue
            if not isinstance(row, dict):
                problems.append(f"line {number} is not an object")
                continue
            problem = row_problem(row)
            if problem:
                problems.append(f"line {number} {problem}")
            for column, value in row.items():
                columns.setdefault(column, Counter())[type(value)] += 1
    if problems:
        shown = "\n  ".join(problems[:5])
        sys.exit(f"{path}: {len(problems)} of {count} rows cannot be used\n  {shown}")
    if count == 0:
        sys.exit(f"{path} has no rows: there is nothing to train on")
    for column in COLUMNS:
        types = columns.get(column, Counter())
        if list in types and str in types:
            sys.exit(f"{path}: `{column}` is a text in some rows and a list in others; it has to be one of them")
        if column != "tools" and 0 < types.total() < count:
            sys.exit(f"{path}: some rows have `{column}` and others do not; all rows have to be of one form")
    return {"path": str(path), "sha256": digest.hexdigest(), "rows": count, "columns": columns}


def row_problem(row):
    """What makes a row unfit for this training, or None."""
    missing = [column for column in ("prompt", "completion", "label") if column not in row]
    if missing:
        return f"has no `{missing[0]}`, but {', '.join(row) or 'no column'}"
    if not isinstance(row["label"], bool):
        return "has a `label` that is neither true nor false"
    return turns_problem("prompt", row["prompt"]) or answer_problem("completion", row["completion"])


def turns_problem(column, turns):
    """What is wrong with a list of chat messages (or with a plain text), or None."""
    if isinstance(turns, str):
        return None if turns.strip() else f"has an empty `{column}`"
    if not isinstance(turns, list) or not turns:
        return f"has no messages in `{column}`"
    for turn in turns:
        if not isinstance(turn, dict) or turn.get("role") not in ROLES:
            return f"has a turn in `{column}` whose role is none of {', '.join(sorted(ROLES))}"
        if not isinstance(turn.get("content"), str):
            return f"has a turn in `{column}` whose content is not a text"
    return None


def answer_problem(column, turns):
    """Like turns_problem; besides, the last turn has to be an answer that says or calls something."""
    problem = turns_problem(column, turns)
    if problem or isinstance(turns, str):
        return problem
    if turns[-1]["role"] != "assistant":
        return f"has a `{column}` that does not end with the assistant's turn"
    if not turns[-1]["content"].strip() and not turns[-1].get("tool_calls"):
        return f"has an empty answer at the end of `{column}`"
    return None


def load_splits(files):
    """The rows of each split, those of one agent type where CONFIG names one."""
    rows = {split: load_rows(file) for split, file in files.items()}
    if len(rows["train"]) == 0:
        sys.exit(f"{files['train']['path']} has no row whose metadata has the agent_type {CONFIG['agent_type']}")
    return {split: part for split, part in rows.items() if len(part) > 0}


def load_rows(file):
    """The columns that training looks at; others, such as metadata, stay in the file."""
    # Types are spelled out, and the rows read as JSON says they are: left to guess, a loader takes the types from the
    # first rows and fails on later ones, and makes times of texts that look like dates.
    known_types = [(list, List(Json())), (dict, Json()), (str, Value("string")), (bool, Value("bool"))]
    known_types += [(number, Value("float64")) for number in (float, int)]
    features = {}
    for column in COLUMNS:
        known = [feature for kind, feature in known_types if kind in file["columns"].get(column, ())]
        if known:
            features[column] = known[0]
    wanted = list(features)
    if CONFIG["agent_type"]:
        features["metadata"] = Json()
    given = {"path": file["path"], "sha256": file["sha256"], "columns": tuple(features)}
    rows = Dataset.from_generator(read_rows, features=Features(features), gen_kwargs=given)
    if CONFIG["agent_type"]:
        rows = rows.filter(lambda row: (row["metadata"] or {}).get("agent_type") == CONFIG["agent_type"])
    return rows.select_columns(wanted)


def read_rows(path, sha256, columns):
    """What load_rows asks for, row by row. The hash makes a file that has changed another one for the cache."""
    with open(path, "rb") as lines:
        for line in lines:
            line = line.removeprefix(b"\xef\xbb\xbf").strip()
            if line:
                row = json.loads(line)
                yield {column: row.get(column) for column in columns}


def shortest(rows, count=8):
    """A few short rows, which is all that a smoke test needs."""
    sample = rows.select(range(min(SAMPLE, len(rows))))
    order = sorted(range(len(sample)), key=lambda index: len(json.dumps(sample[index])))
    return sample.select(order[:count])


def model_name():
    """The model to start from: a folder of that name if there is one, else a name on the hub."""
    folder = Path(CONFIG["model"]).expanduser()
    return str(folder.resolve()) if folder.is_dir() else CONFIG["model"]


def adapter_base(folder):
    """The base model of the adapter in a folder; None when the folder holds no adapter."""
    config = Path(folder) / "adapter_config.json"
    return json.loads(config.read_text("utf-8"))["base_model_name_or_path"] if config.is_file() else None


def load_tokenizer(rows):
    if SMOKE:
        return tiny_tokenizer(rows)
    name = model_name()
    if adapter_base(name) and not (Path(name) / "tokenizer_config.json").is_file():
        name = adapter_base(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=CONFIG["trust_remote_code"])
    except (OSError, ValueError) as error:
        sys.exit(f"the tokenizer of {name} cannot be loaded: {error}")
    if isinstance(rows[0].get("messages") or rows[0]["prompt"], str):
        return tokenizer
    if tokenizer.chat_template is None:
        sys.exit(
            f"{name} has no chat template, but the dataset holds chat messages: start from an instruct model, "
            "or build the dataset as plain strings"
        )
    turns = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Nobody."}]
    if "Nobody." not in tokenizer.apply_chat_template(turns, tokenize=False):
        sys.exit(f"no token can be trained: the chat template of {name} hides the answers")
    return tokenizer


def class_weights(labels):
    """
    How much a good and a bad answer count. Unless CONFIG says so, the rarer kind counts more, until both kinds count
    alike (equation 8 of the KTO paper, arXiv:2402.01306).
    """
    good = sum(labels)
    bad = len(labels) - good
    if good == 0 or bad == 0:
        sys.exit(f"every row is labelled {str(good > 0).lower()}: KTO learns from good answers beside bad ones")
    desirable, undesirable = CONFIG["desirable_weight"], CONFIG["undesirable_weight"]
    if desirable is None and undesirable is None:
        desirable, undesirable = max(1.0, bad / good), max(1.0, good / bad)
    desirable, undesirable = desirable or 1.0, undesirable or 1.0
    say(f"labels: {good} good with weight {desirable:.3g}, {bad} bad with weight {undesirable:.3g}")
    return {"desirable_weight": desirable, "undesirable_weight": undesirable}


def load_model(args):
    if torch.cuda.device_count() > 1 and "LOCAL_RANK" not in os.environ:
        sys.exit("several GPUs are visible: start with accelerate launch, or show one with CUDA_VISIBLE_DEVICES=0")
    bf16, fp16 = precision()
    if CONFIG["precision"] not in ("auto", "bf16" if bf16 else "fp16" if fp16 else "fp32"):
        say(f"{CONFIG['precision']} is not to be had here: training in {'fp16' if fp16 else 'fp32'}")
    # An adapter trains in float32 beside half-precision weights; weights that are trained themselves stay in float32.
    half = torch.bfloat16 if bf16 else torch.float16 if fp16 else torch.float32
    dtype = half if CONFIG["lora"] else torch.float32
    settings = {"dtype": dtype, "trust_remote_code": CONFIG["trust_remote_code"]}
    load = AutoModelForCausalLM.from_pretrained
    if CONFIG["load_in_4bit"]:
        settings["device_map"] = {"": args.local_process_index} if torch.cuda.is_available() else None
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    name = start_model(args)
    *fast, safe = attention_choices(dtype)
    for attention in fast:
        try:
            return load(name, attn_implementation=attention, **settings)
        except ImportError as error:
            say(f"{attention} is not to be had here: {error}")
    return load(name, attn_implementation=safe, **settings)


def start_model(args):
    """
    What training starts from. An adapter is merged into its base and saved first: the new adapter belongs to that
    model, and on the bare base it would be worth nothing.
    """
    name = model_name()
    if adapter_base(name) is None:
        return name
    merged = OUTPUT / "start-model"
    with args.main_process_first(local=False):
        if args.process_index == 0 and not (RESUME and merged.is_dir()):
            say(f"merging the adapter {name} into {adapter_base(name)}")
            merge(adapter_base(name), name, merged)
    return str(merged.resolve())


def merge(base, adapter, folder):
    """Saves a base model with an adapter folded in. The folder is there only when it is complete."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    settings = {"dtype": "auto", "trust_remote_code": CONFIG["trust_remote_code"]}
    own_tokenizer = (Path(adapter) / "tokenizer_config.json").is_file()
    tokenizer = AutoTokenizer.from_pretrained(str(adapter) if own_tokenizer else base)
    model = AutoModelForCausalLM.from_pretrained(base, **settings)
    PeftModel.from_pretrained(model, str(adapter)).merge_and_unload().save_pretrained(part)
    tokenizer.save_pretrained(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def merge_adapter():
    """Makes one whole model of the trained adapter, for whoever serves it."""
    merged = OUTPUT / "merged"
    if adapter_base(OUTPUT) is None:
        sys.exit(f"there is no adapter in {OUTPUT}: train first (without LoRA there is nothing to merge)")
    if merged.exists():
        sys.exit(f"{merged} is already there: remove it to merge again")
    start = OUTPUT / "start-model"
    merge(str(start) if start.is_dir() else adapter_base(OUTPUT), OUTPUT, merged)
    say(f"saved to {merged}")


def attention_choices(dtype):
    """Attention implementations to try, the last of which always works."""
    if CONFIG["attention"] != "auto":
        return [CONFIG["attention"]]
    if not torch.cuda.is_available() or dtype == torch.float32:
        return ["sdpa"]
    hub = ["kernels-community/flash-attn2"] if is_kernels_available() else []
    return hub + (["flash_attention_2"] if is_flash_attn_2_available() else []) + ["sdpa"]


def precision():
    """(bf16, fp16): bf16 where the GPU computes in it, fp16 on an older one, float32 elsewhere."""
    if CONFIG["precision"] == "fp32" or CHECK or SMOKE or not torch.cuda.is_available():
        return False, False
    if CONFIG["precision"] != "fp16" and torch.cuda.is_bf16_supported(including_emulation=False):
        return True, False
    return False, True


def lora_config():
    task = "CAUSAL_LM"
    if CHECK or (SMOKE and CONFIG["lora"]):
        return LoraConfig(task_type=task, r=4, target_modules="all-linear")
    return LoraConfig(task_type=task, **CONFIG["lora"]) if CONFIG["lora"] else None


def run_settings(has_test):
    """The settings that every kind of training has."""
    if CONFIG["load_best_model_at_end"] and not has_test and not (CHECK or SMOKE):
        sys.exit("load_best_model_at_end needs a test.jsonl in the dataset folder")
    for tracker in CONFIG["report_to"]:
        if find_spec(tracker) is None:
            sys.exit(f"report_to names {tracker}, which is not installed: pip install {tracker}")
    if CONFIG["project"]:
        os.environ.setdefault("WANDB_PROJECT", CONFIG["project"])
        os.environ.setdefault("MLFLOW_EXPERIMENT_NAME", CONFIG["project"])
    bf16, fp16 = precision()
    settings = {
        "output_dir": str(OUTPUT),
        "num_train_epochs": CONFIG["num_train_epochs"],
        "max_steps": CONFIG["max_steps"] or -1,
        "per_device_train_batch_size": CONFIG["per_device_train_batch_size"],
        "per_device_eval_batch_size": CONFIG["per_device_eval_batch_size"],
        "gradient_accumulation_steps": CONFIG["gradient_accumulation_steps"],
        checkpointing_field(): CONFIG["gradient_checkpointing"],
        "learning_rate": CONFIG["learning_rate"],
        "lr_scheduler_type": CONFIG["lr_scheduler_type"],
        "warmup_steps": CONFIG["warmup_steps"],
        "weight_decay": CONFIG["weight_decay"],
        "max_grad_norm": CONFIG["max_grad_norm"],
        "optim": CONFIG["optim"],
        "bf16": bf16,
        "fp16": fp16,
        "use_cpu": not torch.cuda.is_available() and not torch.backends.mps.is_available(),
        "logging_steps": CONFIG["logging_steps"],
        "save_strategy": "steps" if CONFIG["save_steps"] else "epoch",
        "save_steps": CONFIG["save_steps"] or 500,
        "save_total_limit": CONFIG["save_total_limit"],
        "eval_strategy": "no" if not has_test else "steps" if CONFIG["eval_steps"] else "epoch",
        "eval_steps": CONFIG["eval_steps"],
        "load_best_model_at_end": CONFIG["load_best_model_at_end"],
        "report_to": CONFIG["report_to"] or "none",
        "run_name": CONFIG["run_name"],
        "project": CONFIG["project"] or "huggingface",
        "seed": CONFIG["seed"],
    }
    if CHECK or SMOKE:
        settings.update(
            output_dir=SCRATCH.name,
            max_steps=2,
            per_device_train_batch_size=2,
            gradient_accumulation_steps=1,
            optim="adamw_torch",
            use_cpu=True,
            logging_steps=1,
            save_strategy="no",
            eval_strategy="no",
            load_best_model_at_end=False,
            report_to="none",
        )
    return settings


def checkpointing_field():
    """Newer versions of transformers call it activation checkpointing, and warn of the older name."""
    newer = "activation_checkpointing"
    return newer if hasattr(TrainingArguments, newer) else "gradient_checkpointing"


def show_loss(trainer, dropped):
    """Shows which tokens are trained, and stops where training would teach nothing or teach never to stop."""
    rows, tokenizer, limit = trainer.train_dataset, trainer.processing_class, trainer.args.max_length
    say(f"rows: {len(rows)} to train on, {dropped} dropped for having no answer within max_length={limit}")
    if len(rows) == 0:
        sys.exit(f"no row has a token to train within max_length={limit}: raise max_length, or shorten the prompts")
    if trainer.eval_dataset is not None and len(trainer.eval_dataset) == 0:
        sys.exit(f"no row of test.jsonl has an answer within max_length={limit}: raise max_length, or remove the file")
    sample = rows.select(range(min(SAMPLE, len(rows))))
    for row in sample.select(range(min(2, len(sample)))):
        kind = "good" if row["label"] else "bad"
        say(f"LOSS ON, {kind}: " + json.dumps(tokenizer.decode(row["completion_ids"]), ensure_ascii=False))
    answers = [row["completion_ids"] for row in sample]
    cut = sum(len(row["prompt_ids"]) + len(row["completion_ids"]) > limit for row in sample)
    trained = sum(map(len, answers))
    say(f"tokens: {trained} trained in answers; {cut} of {len(sample)} rows are cut at max_length={limit}")
    if not trained:
        sys.exit("no token is trained: the chat template hides the answers from the loss")
    if cut < len(sample) and not any(ends_turn(tokenizer, tokens) for tokens in answers):
        sys.exit("no answer ends with an end-of-turn token, so the model would never learn to stop")


def ends_turn(tokenizer, tokens):
    """True when the last token that is not white space is a special one."""
    special = {token for token, text in tokenizer.added_tokens_decoder.items() if text.special}
    while tokens and not tokenizer.decode(tokens[-1:]).strip():
        tokens = tokens[:-1]
    return bool(tokens) and (tokens[-1] in special or tokens[-1] == tokenizer.eos_token_id)


def save_metadata(trainer, files, dropped):
    """What this run was made of, for whoever has to repeat or explain it."""
    if not trainer.is_world_process_zero():
        return
    metadata = {
        "config": CONFIG,
        "script_sha256": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        "dataset": {split: {key: file[key] for key in ("path", "sha256", "rows")} for split, file in files.items()},
        "rows_dropped": dropped,
        "versions": {
            name: version(name) for name in ("torch", "trl", "transformers", "peft", "datasets", "accelerate")
        },
        "steps": trainer.state.global_step,
        "log": trainer.state.log_history,
    }
    (OUTPUT / "run_metadata.json").write_text(json.dumps(metadata, indent=2) + "\n", "utf-8")


def say(text):
    if os.environ.get("RANK", "0") == "0":
        print(text, flush=True)


# What --check and --smoke run on in place of the real model.
SCRATCH = tempfile.TemporaryDirectory()
CHAT_TEMPLATE = """{% for turn in messages %}<|im_start|>{{ turn.role }}
{% if turn.role == 'assistant' %}
{% generation %}{{ turn.content }}{% if turn.tool_calls %}
{{ turn.tool_calls | tojson }}{% endif %}<|im_end|>{% endgeneration %}
{% else %}{{ turn.content }}<|im_end|>{% endif %}
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def tiny_tokenizer(rows):
    """A small byte-level tokenizer of the dataset's own words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((json.dumps(row, ensure_ascii=False) for row in shortest(rows, 200)), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHAT_TEMPLATE
    )


def tiny_model(tokenizer):
    """A random model that knows the tokenizer's tokens and nothing else."""
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONFIG["max_length"],
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


if __name__ == "__main__":
    main()
