"""The endpoint's process. Its watching of folders and devices comes with a later release; nothing here watches anything yet."""
