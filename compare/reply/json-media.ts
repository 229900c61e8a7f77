/** True for a JSON media type, lower case and without parameters: https://mimesniff.spec.whatwg.org/#json-mime-type */
export const isJsonMedia = (media: string): boolean =>
  media === 'application/json' || media === 'text/json' || /^[^/]+\/.*\+json$/.test(media);
