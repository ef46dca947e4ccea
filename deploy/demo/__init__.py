"""The demo: a real CRM with made-up clients, made-up people, a mailbox, a software key, and the story told with them."""
