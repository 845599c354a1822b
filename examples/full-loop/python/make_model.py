"""Makes a tiny chat model from nothing: a tokenizer and some hundred thousand parameters, taught by a file of lessons.

    python make_model.py LESSONS.jsonl FOLDER [STEPS]

Each line of the lessons has a question and an answer. The loss is on the answer alone.
"""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for turn in messages %}{{ '<|im_start|>' + turn.role + '\n' + turn.content + '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
BATCH = 64
LEARNING_RATE = 5e-3


def main():
    lessons_path, folder, steps = Path(sys.argv[1]), Path(sys.argv[2]), int((sys.argv[3:] or [300])[0])
    lessons = [json.loads(line) for line in lessons_path.read_text("utf-8").splitlines()]
    tokenizer = make_tokenizer(lessons, folder)
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=96,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=128,
            tie_word_embeddings=True,
            initializer_range=0.1,  # the usual 0.02 is meant for wide layers, and these would take ten times as long
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    print(f"a model of {model.num_parameters():,} parameters, {steps} steps of {BATCH} lessons", flush=True)
    teach(model, *tokenised(lessons, tokenizer), steps)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_tokenizer(lessons, folder):
    """A byte-level tokenizer of the words in the lessons; each digit is a token of its own."""
    tokenizer = Tokenizer(models.BPE())
    words = pre_tokenizers.Split(" ?[A-Za-z]+|[0-9]| ?[^A-Za-z0-9 ]|\\s", "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    texts = [f"user\n{one['question']} assistant\n{one['answer']}" for one in lessons[:1000]]
    tokenizer.train_from_iterator(["user", "assistant", *texts], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHAT_TEMPLATE
    )
    fast.save_pretrained(folder)
    Qwen2Config().save_pretrained(folder)
    # As everyone after us will load it: for this family of models the library sets its own rules for words.
    return AutoTokenizer.from_pretrained(folder)


def tokenised(lessons, tokenizer):
    """All lessons as one table of tokens, and the same with only the answers left, which the loss is on."""

    def render(turns, **settings):
        return tokenizer.apply_chat_template(turns, tokenize=False, **settings)

    questions = [[{"role": "user", "content": one["question"]}] for one in lessons]
    whole = [turns + [{"role": "assistant", "content": one["answer"]}] for turns, one in zip(questions, lessons)]
    prompts = tokenizer([render(turns, add_generation_prompt=True) for turns in questions])["input_ids"]
    batch = tokenizer([render(turns) for turns in whole], padding=True, padding_side="right", return_tensors="pt")
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    for row, prompt in zip(labels, prompts):
        row[: len(prompt)] = -100
    return batch["input_ids"], batch["attention_mask"], labels


def teach(model, tokens, mask, labels, steps):
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    for step in range(1, steps + 1):
        rows = torch.randint(len(tokens), (BATCH,))
        loss = model(input_ids=tokens[rows], attention_mask=mask[rows], labels=labels[rows]).loss
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.3f}", flush=True)


if __name__ == "__main__":
    main()
