"""Greedy token ids by transformers, one prompt at a time: what vLLM has to repeat. Runs in the engine's environment.

usage: greedy_reference.py MODEL TOKENS < prompts.json > ids.json
"""

import json
import sys

import torch  # type: ignore[import-not-found]
from transformers import AutoModelForCausalLM, AutoTokenizer  # type: ignore[import-not-found]

model_path, tokens = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(model_path)
model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32).eval()
replies = []
for text in json.load(sys.stdin):
    messages = [{"role": "user", "content": text}]
    rendered = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    prompt = torch.tensor([tokenizer(rendered, add_special_tokens=False)["input_ids"]])
    with torch.inference_mode():
        made = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=tokens, do_sample=False)
    replies.append({"prompt_tokens": prompt.shape[1], "ids": made[0, prompt.shape[1] :].tolist()})
sys.stdout.write(json.dumps(replies))
