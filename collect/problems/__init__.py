"""Problems and their sets: generated, read from files, drawn, balanced and stratified."""
