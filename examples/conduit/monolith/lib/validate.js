const MAX_TEXT_BYTES = 65535;

function textErrors(value, { max, maxBytes = Number.POSITIVE_INFINITY }) {
  if (typeof value !== 'string' || value.trim() === '') return ["can't be blank"];
  if (max && [...value].length > max) return [`is too long (maximum is ${max} characters)`];
  if (Buffer.byteLength(value) > maxBytes) return ['is too long'];
  return [];
}

function collect(checks) {
  const errors = Object.fromEntries(Object.entries(checks).filter(([, messages]) => messages.length > 0));
  return Object.keys(errors).length > 0 ? errors : null;
}

const isTag = (tag) => typeof tag === 'string' && tag.trim() !== '' && [...tag].length <= 255;

// The fields of an article that a client may set. With `partial` only those that are given are looked at.
function articleErrors({ title, description, body, tagList }, { partial = false } = {}) {
  const given = (value) => !partial || value !== undefined;
  return collect({
    title: given(title) ? textErrors(title, { max: 255 }) : [],
    description: given(description) ? textErrors(description, { max: 255 }) : [],
    body: given(body) ? textErrors(body, { maxBytes: MAX_TEXT_BYTES }) : [],
    tagList: tagList == null || (Array.isArray(tagList) && tagList.every(isTag)) ? [] : ['must be a list of words'],
  });
}

const commentErrors = ({ body }) => collect({ body: textErrors(body, { maxBytes: MAX_TEXT_BYTES }) });

// The fields of a user; `fields` names those that must be there.
function userErrors(user, fields) {
  const checks = {};
  for (const field of fields) checks[field] = textErrors(user[field], { max: 255 });
  for (const field of ['bio', 'image']) {
    const value = user[field];
    const wrong = value != null && (typeof value !== 'string' || Buffer.byteLength(value) > MAX_TEXT_BYTES);
    checks[field] = wrong ? ['is not a text'] : [];
  }
  return collect(checks);
}

// `{ "article": {…} }` and the like: the inner object, or an empty one.
function fieldsOf(body, name) {
  const fields = body?.[name];
  return fields !== null && typeof fields === 'object' && !Array.isArray(fields) ? fields : {};
}

// A text of the query string, or undefined for anything else (`?tag[]=x`).
const textOf = (value) => (typeof value === 'string' && value !== '' ? value : undefined);

module.exports = { articleErrors, commentErrors, userErrors, fieldsOf, textOf };
