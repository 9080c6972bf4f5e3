"""The pages behind ``smxcheck explain``: built as blocks, rendered for a terminal, Markdown, LaTeX or a program."""
