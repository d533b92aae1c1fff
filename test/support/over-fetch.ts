// Required by mocha: lets the scenarios run over `fetch`, as connections to other machines do.
process.env.SCENARIOS_OVER_FETCH = 'yes';
