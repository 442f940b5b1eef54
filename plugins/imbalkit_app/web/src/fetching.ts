/** Files of the page's own folder, with errors in plain words. */

/** A file that is missing or damaged; the message is for a person. */
export class LoadError extends Error {}

/** The file's bytes; `progress` gets how many there are so far. Throws LoadError. */
export async function fetched(url: string, progress?: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const name = url.split("/").slice(-2).join("/");
  let response: Response;
  try {
    response = await fetch(url);
  } catch {
    throw new LoadError(`${name} cannot be loaded: is the server running?`);
  }
  if (!response.ok) throw new LoadError(`${name} cannot be loaded: the server answers ${response.status}.`);
  if (response.body === null || progress === undefined) return new Uint8Array(await response.arrayBuffer());
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    parts.push(step.value);
    length += step.value.length;
    progress(length);
  }
  const bytes = new Uint8Array(length);
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return bytes;
}
