"""Writes a model from a GGUF file in the form that `transformers serve` reads: arguments FOLDER GGUF TO."""

import sys

from transformers import AutoModelForCausalLM, AutoTokenizer

folder, gguf, to = sys.argv[1:]
AutoTokenizer.from_pretrained(folder, gguf_file=gguf).save_pretrained(to)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=gguf)
# The weights are floats by now; what is left of their old form is a mark that forbids to write them.
model.hf_quantizer = None
model.config.__dict__.pop("quantization_config", None)
model.config.architectures = [type(model).__name__]
model.save_pretrained(to)
