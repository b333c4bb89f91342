"""Workflow commands, the lines of a step's output that GitHub's runner acts on."""


def tell(kind, text):
    """Annotates the run; the text cannot begin a command of its own."""
    for character, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(character, code)
    print(f"::{kind} title=evalmark::{text}", flush=True)
