'use strict';

const { answerGivenAway, FenceSetupError, GivenAwayError } = require('./errors.cjs');
const { createFence } = require('./fence.cjs');

module.exports = { answerGivenAway, createFence, FenceSetupError, GivenAwayError };
