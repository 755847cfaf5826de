# SPDX-License-Identifier: Apache-2.0
"""Live end-to-end tests, one module for each group; scripts/test_live.py runs them."""
