"""The commands of ``crossbook``, each imported when it is run, and the texts that they print."""
