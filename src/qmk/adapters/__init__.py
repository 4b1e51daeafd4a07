"""Readers and writers of other frameworks' objects, one package each; ``sdk.adapter`` says what they are."""
