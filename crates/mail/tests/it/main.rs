mod catching;
