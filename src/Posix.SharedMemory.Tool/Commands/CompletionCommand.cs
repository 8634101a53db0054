using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm completion</c>: a script that teaches a shell to complete commands, options and names of objects.</summary>
internal sealed class CompletionCommand : ShmCommand
{
    // The parser completes by itself: shm '[suggest:POSITION]' 'LINE'. It knows less about quotes than a shell does, so the shell gets every candidate and filters.
    // A file is expected where there is no candidate, and where write has only options to offer.
    private const string Bash = """
        _shm() {
            local line=shm begun=${COMP_WORDS[COMP_CWORD]} quote= word
            for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                line+=" \"${word//[\\\"\']/}\""
            done
            line+=' '
            case $begun in /dev/shm/*) line+=/dev/shm/ ;; /*) line+=/ ;; esac
            if [[ $begun == [\"\']* ]]; then
                quote=${begun:0:1} begun=${begun:1}
            fi
            COMPREPLY=()
            while IFS= read -r word; do
                [[ -n $word && ${word//\\/} == "${begun//\\/}"* ]] || continue
                [[ ${COMP_WORDS[1]} == write && $word == -* && $begun != -* ]] && continue
                case $quote in
                    \') ;;
                    \") word=${word//\\/\\\\} word=${word//\$/\\\$} word=${word//\`/\\\`} ;;
                    *) printf -v word %q "$word" ;;
                esac
                COMPREPLY+=("$word")
            done < <(shm "[suggest:${#line}]" "$line" 2>/dev/null)
        }
        complete -o default -F _shm shm

        """;

    private const string Zsh = """
        #compdef shm
        _shm() {
            local -a found
            found=("${(@f)$(shm "[suggest:${#BUFFER}]" "$BUFFER" 2>/dev/null)}")
            found=(${found:#})
            [[ $words[2] == write && $words[CURRENT] != -* ]] && found=(${found:#-*})
            compadd -a found || _files
        }
        compdef _shm shm

        """;

    private const string Fish = """
        complete --command shm --no-files --arguments '(shm "[suggest:"(commandline --cursor)"]" (commandline --current-process | string collect) 2>/dev/null)'
        complete --command shm --condition '__fish_seen_subcommand_from create' --long-option from --require-parameter --force-files
        complete --command shm --condition '__fish_seen_subcommand_from map' --long-option svg --require-parameter --force-files
        complete --command shm --condition '__fish_seen_subcommand_from write; and test (count (commandline --tokenize --cut-at-cursor --current-process)) -gt 2' --force-files

        """;

    private static readonly string[] s_shells = ["bash", "zsh", "fish"];

    private readonly Argument<string> _shell = new("SHELL")
    {
        Description = "bash, zsh or fish",
        CustomParser = result => Given.One(result, Given.OneOf("shell", s_shells))!,
    };

    internal CompletionCommand()
        : base(
            "completion",
            "Print a script that teaches a shell to complete shm's commands, options and objects.",
            "shm completion bash > ~/.local/share/bash-completion/completions/shm",
            "shm completion zsh > ~/.zfunc/_shm",
            "shm completion fish > ~/.config/fish/completions/shm.fish")
    {
        _shell.CompletionSources.Add(s_shells);
        Add(_shell);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        terminal.Out.Write(given.GetValue(_shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
        return ExitCode.Done;
    }
}
