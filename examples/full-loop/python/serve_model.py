"""Serves a model folder on 127.0.0.1 as an OpenAI-compatible endpoint, on a free port that it prints.

    python serve_model.py FOLDER NAME

Questions that wait at the same time are answered in one batch. The server ends when its standard input does.
"""

import json
import os
import queue
import sys
import threading
import time
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

LARGEST_BATCH = 64


def main():
    folder, name = sys.argv[1:]
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    waiting = queue.Queue()
    threading.Thread(target=answer_forever, args=(model, tokenizer, waiting), daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(name, waiting))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"base_url": f"http://127.0.0.1:{server.server_port}/v1", "model": name}), flush=True)
    sys.stdin.read()
    os._exit(0)  # whoever still waits for an answer has gone, too


def handler(name, waiting):
    class ChatCompletions(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path == "/v1/models":
                return self.reply(200, {"object": "list", "data": [{"id": name, "object": "model"}]})
            self.refuse(404, f"there is no {self.path} here")

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.path != "/v1/chat/completions":
                return self.refuse(404, f"there is no {self.path} here")
            try:
                request = json.loads(body)
                asked = [{"role": turn["role"], "content": turn["content"]} for turn in request["messages"]]
                settings = (float(request.get("temperature", 1)), int(request.get("max_completion_tokens", 64)))
            except (ValueError, KeyError, TypeError) as error:
                return self.refuse(400, f"this is not a chat completion request: {error!r}")
            if request.get("model") != name:
                return self.refuse(404, f"the model here is {name}")
            if request.get("stream"):
                return self.refuse(400, "this server does not stream")
            answer = Future()
            waiting.put((settings, asked, answer))
            try:
                text, prompt_tokens, completion_tokens, ended = answer.result()
            except Exception as error:
                return self.refuse(500, str(error))
            choice = {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop" if ended else "length",
            }
            usage = {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            }
            self.reply(
                200,
                {
                    "id": f"chatcmpl-{time.time_ns()}",
                    "object": "chat.completion",
                    "created": int(time.time()),
                    "model": name,
                    "choices": [choice],
                    "usage": usage,
                },
            )

        def refuse(self, status, message):
            self.reply(status, {"error": {"message": message, "type": "invalid_request_error", "code": None}})

        def reply(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    return ChatCompletions


def answer_forever(model, tokenizer, waiting):
    """Takes all questions that wait and are asked alike, answers them together, and so on."""
    held_back = []
    while True:
        batch = held_back or [waiting.get()]
        while not waiting.empty():
            batch.append(waiting.get())
        settings = batch[0][0]
        alike = [one for one in batch if one[0] == settings][:LARGEST_BATCH]
        held_back = [one for one in batch if one not in alike]
        try:
            answers = generate(model, tokenizer, [asked for _, asked, _ in alike], *settings)
            for (_, _, answer), result in zip(alike, answers):
                answer.set_result(result)
        except Exception as error:
            for _, _, answer in alike:
                answer.set_exception(error)


def generate(model, tokenizer, conversations, temperature, limit):
    prompts = [
        tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) for turns in conversations
    ]
    batch = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature > 0 else {}
    with torch.inference_mode():
        tokens = model.generate(
            **batch,
            **(sampling or {"do_sample": False}),
            max_new_tokens=limit,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    for asked, said in zip(batch["attention_mask"], tokens[:, batch["input_ids"].shape[1] :]):
        ends = (said == tokenizer.eos_token_id).nonzero()
        length = ends[0].item() if len(ends) else len(said)
        yield tokenizer.decode(said[:length], skip_special_tokens=True), asked.sum().item(), length, len(ends) > 0


if __name__ == "__main__":
    main()
