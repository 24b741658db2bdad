// What the suites share: clients of a running fairlead, and a look at the fake providers behind it.
// openai/* is served by an OpenAI-speaking fake, claude/* by an Anthropic-speaking one. go test
// ./test/sdk starts it all and sets the variables.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

export const url = process.env.FAIRLEAD_URL;
export const key = process.env.FAIRLEAD_KEY;
export const fakes = { openai: process.env.FAKE_OPENAI, claude: process.env.FAKE_CLAUDE };
assert.ok(url && key && fakes.openai && fakes.claude, 'FAIRLEAD_URL, FAIRLEAD_KEY, FAKE_OPENAI and FAKE_CLAUDE must be set');

// Each request is sent while nothing is held against any endpoint: the suites break providers all the time.
export const forgetting = async (...request) => {
  const answer = await fetch(process.env.FAIRLEAD_HEALTH, {
    method: 'DELETE', headers: { authorization: `Bearer ${process.env.FAIRLEAD_ADMIN_TOKEN}` },
  });
  assert.equal(answer.status, 200);
  return fetch(...request);
};

export const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, fetch: forgetting });
export const anthropic = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0, fetch: forgetting });
export const families = ['openai', 'claude'];
export const endpoints = { openai: 'openai/*@first', claude: 'claude/*@second' };

// A 1x1 PNG.
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

// The schema of every tool.
export const weather = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
};

export const hi = [{ role: 'user', content: 'hi' }];

// attempts gives what a fake saw of the requests for one model.
export async function attempts(family, model) {
  const answer = await fetch(`${fakes[family]}/fake/log?model=${encodeURIComponent(model)}`);
  assert.equal(answer.status, 200);
  return (await answer.json()).attempts;
}

// until asks a question until the answer is yes, for a bounded time.
export async function until(what, yes) {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    if (await yes()) return;
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  assert.fail(`still not so: ${what}`);
}
