"""Tests of the zoo's own code: python3 -m unittest discover --start-directory zoo/tests --top-level-directory zoo"""
