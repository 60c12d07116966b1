"""The zoo's runner: reads scenarios, lays them out, starts their servers, asks, verifies and scores.

In the order of use: places, scenario, layout, servers, site, asking, verify, score, tables; commands is the command line.
"""
