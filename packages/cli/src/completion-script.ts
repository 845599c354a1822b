import type { Command, Option } from "commander";

/** The shells that `completionScript` writes for. */
export const completionShells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof completionShells)[number];

/** A script that makes a shell complete a program's commands, options, and the values of options that have choices. */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program);
  return { bash, zsh, fish }[shell](program.name(), places);
}

/** A place on a command line, after the words of a command: what may follow. */
interface Place {
  /** The words so far, such as `dataset sft`; empty at the beginning. */
  readonly path: string;
  readonly words: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly OptionWords[];
  /** An argument is a file. */
  readonly takesFiles: boolean;
}

type Value = "file" | "text" | readonly string[];

interface OptionWords {
  readonly flags: readonly string[];
  readonly about: string;
  /** Null: no value. */
  readonly takes: Value | null;
}

function placesOf(program: Command): readonly Place[] {
  const shared = program.options.filter(({ long }) => long !== "--version");
  const visit = (command: Command, path: string): Place[] => [
    {
      path,
      words: [
        ...command.commands.map((child) => ({ name: child.name(), about: child.summary() })),
        ...command.registeredArguments.flatMap(({ argChoices = [], description }) =>
          argChoices.map((name) => ({ name, about: description })),
        ),
      ],
      options: [...(path === "" ? program.options : [...command.options, ...shared]).map(optionWords), HELP],
      takesFiles: command.registeredArguments.some((argument) => !argument.argChoices && FILES.test(argument.name())),
    },
    ...command.commands.flatMap((child) => visit(child, `${path} ${child.name()}`.trim())),
  ];
  return visit(program, "");
}

const HELP: OptionWords = { flags: ["-h", "--help"], about: "print help for a command", takes: null };
/** Names of values that are files or folders. */
const FILES = /file|folder|path|^(?:a|b|from|to)$/i;

function optionWords({ short, long, description, flags, required, optional, argChoices }: Option): OptionWords {
  const value = /[<[](.+)[>\]]/.exec(flags)?.[1] ?? "";
  const takes =
    !required && !optional ? null : (argChoices ?? (FILES.test(value) || long === "--store" ? "file" : "text"));
  const about = (description.split("\n")[0] ?? "").trim();
  // A value that may be left out must not swallow the next word.
  return { flags: [short, long].filter((flag) => flag !== undefined), about, takes: optional ? null : takes };
}

function bash(name: string, places: readonly Place[]): string {
  const known = places.filter(({ path }) => path !== "").map(({ path }) => `"${path}"`);
  const cases = places.map(({ path, words, options, takesFiles }) => {
    const values = withValue(options).map(({ flags, takes }) => {
      const reply = takes === "file" ? `_${name}_files; ` : takes === "text" ? "" : `${bashWords(takes)}; `;
      return `        ${flags.join(" | ")}) ${reply}return ;;`;
    });
    const flags = options.flatMap((option) => option.flags);
    const rest =
      words.length > 0 ? bashWords(words.map((word) => word.name)) : takesFiles ? `_${name}_files` : "return";
    return `    "${path}")
      case $previous in
${values.join("\n")}
      esac
      if [[ $current == -* ]]; then ${bashWords(flags)}
      else ${rest}
      fi ;;`;
  });
  return `# Completion of ${name} for bash: ${name} completion bash
_${name}_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path= word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${known.join(" | ")}) path="\${path:+$path }$word" ;;
    esac
  done
  case $path in
${cases.join("\n")}
  esac
}
complete -F _${name} ${name}
`;
}

function bashWords(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$current"))`;
}

function zsh(name: string, places: readonly Place[]): string {
  const known = places.filter(({ path }) => path !== "").map(({ path }) => `"${path}"`);
  const described = (words: readonly { readonly name: string; readonly about: string }[]) =>
    words
      .map(({ name: word, about }) => quoted(about === "" ? word : `${word.replaceAll(":", "\\:")}:${about}`))
      .join(" ");
  const cases = places.map(({ path, words, options, takesFiles }) => {
    const values = withValue(options).map(({ flags, takes }) => {
      const reply = takes === "file" ? "_files; " : takes === "text" ? "" : `compadd -- ${takes.join(" ")}; `;
      return `        (${flags.join("|")}) ${reply}return ;;`;
    });
    const flags = options.flatMap(({ flags, about }) => flags.map((flag) => ({ name: flag, about })));
    const rest =
      words.length > 0 ? `words_=(${described(words)}); _describe word words_` : takesFiles ? "_files" : "return";
    return `    "${path}")
      case $previous in
${values.join("\n")}
      esac
      if [[ $PREFIX == -* ]]; then words_=(${described(flags)}); _describe option words_
      else ${rest}
      fi ;;`;
  });
  return `#compdef ${name}
# Completion of ${name} for zsh: ${name} completion zsh
_${name}() {
  local previous=\${words[CURRENT-1]} place= word
  local -a words_
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${place:+$place }$word" in
      (${known.join("|")}) place="\${place:+$place }$word" ;;
    esac
  done
  case $place in
${cases.join("\n")}
  esac
}
# Sourced it registers itself; from a folder of $fpath it is the function.
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function fish(name: string, places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words, options, takesFiles }) => {
    const here = `complete -c ${name} -n '__${name}_at "${path}"'`;
    return [
      ...words.map(({ name: word, about }) => `${here} -f -a ${word} -d ${quoted(about)}`),
      ...(words.length === 0 ? [`${here} ${takesFiles ? "-F" : "-f"}`] : []),
      ...options.map(({ flags, about, takes }) => {
        const names = flags
          .map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
          .join(" ");
        const value =
          takes === null ? "" : takes === "file" ? " -r -F" : takes === "text" ? " -x" : ` -x -a '${takes.join(" ")}'`;
        return `${here} ${names}${value} -d ${quoted(about)}`;
      }),
    ];
  });
  return `# Completion of ${name} for fish: ${name} completion fish
function __${name}_at
    set -l place
    for word in (commandline -opc)[2..-1]
        set -l longer (string join -- ' ' $place $word)
        contains -- $longer ${places
          .filter(({ path }) => path !== "")
          .map(({ path }) => `'${path}'`)
          .join(" ")}; and set place $longer
    end
    test "$place" = "$argv[1]"
end
${lines.join("\n")}
`;
}

function withValue(options: readonly OptionWords[]) {
  return options.flatMap(({ flags, takes }) => (takes === null ? [] : [{ flags, takes }]));
}

/** A word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
