"""One question and its answer: claim, queue, run, recover."""
