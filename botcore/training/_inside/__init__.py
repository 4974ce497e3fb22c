"""The trainer: runs in the engine's environment, with torch, transformers and accelerate; `start.py` starts it.

    main.py        one run from its folder's record to a model, every failure one line
    source.py      what gives rows to learn from: the protocol
    texts.py       rows from folders of text
    answers.py     rows from questions and answers
    tokenizer.py   a tokenizer and a chat template of its own
    learner.py     the model, from nothing or from a checkpoint, and its loss
    attention.py   attention on a CPU
    lora.py        an adapter around the model, and merged into it
    feedback.py    from what people taught to an adapter that is fit to be offered
    preference.py  TRL's trainers for it
    decode.py      answers to many prompts at once
    greedy.py      the likeliest answers, and what surprises a model
    fit.py         what does not fit the memory is refused
    diary.py       the curve and the samples, written down
    voice.py       what is said of it, a line an event
    examine.py     an evaluation from its task to the figures
    optimizer.py   AdamW, or Muon for the matrices
    loop.py        steps, looks at the held-out part, saves, stops
    checkpoint.py  the whole state of a run, on the disk and back

Nothing on the bot's side imports it.
"""
