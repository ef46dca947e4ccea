"""What happened: events, their chain and log, the history of what each person has had, alerts."""
