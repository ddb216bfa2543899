"""The exercises of all labs: what is asked, its cases, its misconceptions and its hints."""
