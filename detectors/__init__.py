"""What does it look like? Content becomes findings, events become alerts."""
