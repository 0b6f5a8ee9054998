"""python -m nightlatch"""

if __name__ == "__main__":
    from nightlatch.cli import main

    main()
