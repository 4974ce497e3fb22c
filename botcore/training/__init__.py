"""Training: one's own text in, a model that the engine loads out. Every run is a folder below ``data_dir/training``.

    plan.py       what a run is told: shape, schedule, seed; pure
    texts.py      from folders to documents: what is read, what is skipped and why
    rows.py       from a file to questions and answers, and what is skipped and why
    lessons.py    from files to what people taught, and what is skipped and why
    mix.py        from lessons to the rows of a method, and which method suits them
    collapse.py   whether an adapter still speaks, by what it says
    packing.py    from documents to rows of equal length, without a token of one document beside another's
    memory.py     what a run needs, said before it begins
    progress.py   what the trainer says, one JSON line each, and what people read of it
    forgotten.py  takes the words of a person out of the runs' files
    runs.py       the run's folder: who runs it, how it stands, what came out
    conduct.py    starts the trainer as a guarded child in the engine's environment, and hears it
    _inside/      what runs there, with torch; nothing on the bot's side imports it

Everything but `forgotten`, `runs` and `conduct` needs the standard library alone, because the trainer uses it too.
"""
