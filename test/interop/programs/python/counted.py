import os


def counted(key: str) -> str:
    """Writes one run down, and gives the text that answers it."""
    with open(os.environ["INTEROP_LEDGER"], "a", encoding="utf-8") as ledger:
        ledger.write(f"{key}\n")
    return f"counted {key}"
