"""Hold the work that pages share: session, jobs, trainer, suggester, printing."""
