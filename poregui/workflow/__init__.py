"""Do what a person asks for, in one step each: import, edit, freeze, evaluate, predict, export."""
