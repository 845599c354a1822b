import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const PLAIN = { single_word: false, lstrip: false, rstrip: false, normalized: false };
const MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/** ChatML, with the assistant's turns marked for a trainer that masks the others. */
export const CHAT_ML = `{%- for turn in messages -%}
{%- if turn.role not in ['system', 'user', 'assistant', 'tool'] -%}{{ raise_exception('no such role: ' + turn.role) }}{%- endif -%}
{{- '<|im_start|>' + turn.role + '\\n' -}}
{%- if turn.role == 'assistant' -%}{%- generation -%}{{- turn.content + '<|im_end|>' -}}{%- endgeneration -%}
{%- else -%}{{- turn.content + '<|im_end|>' -}}{%- endif -%}
{{- '\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}`;

/**
 * Writes a tokenizer as the Hugging Face tools do: byte-level BPE with the whole byte alphabet, the words given as
 * merged tokens (with and without the space before them), and the marks of ChatML.
 */
export async function writeTokenizer(
  folder: string,
  { words = [], template = CHAT_ML }: { readonly words?: readonly string[]; readonly template?: string | null } = {},
): Promise<string> {
  const alphabet = byteAlphabet();
  const tokens = [...MARKS, ...alphabet];
  const merges: [string, string][] = [];
  for (const word of words.flatMap((plain) => [plain, `\u0120${plain}`])) {
    for (let end = 2; end <= word.length; end++) {
      const made = word.slice(0, end);
      if (tokens.includes(made)) continue;
      merges.push([word.slice(0, end - 1), word.slice(end - 1, end)]);
      tokens.push(made);
    }
  }
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: MARKS.map((content, id) => ({
      ...{ id, content, ...PLAIN, special: true },
    })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      ...{ type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
  const config = {
    eos_token: "<|im_end|>",
    pad_token: { __type: "AddedToken", content: "<|endoftext|>", ...PLAIN, special: true },
    tokenizer_class: "PreTrainedTokenizerFast",
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(config));
  if (template !== null) await writeFile(join(folder, "chat_template.jinja"), template);
  return folder;
}

/** The characters that byte-level BPE writes the 256 bytes as: printable ones as they are, the others from U+0100 on. */
function byteAlphabet(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : 256 + moved++));
}
