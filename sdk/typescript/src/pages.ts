/** Lists without cursors: each page is asked for when the one before is used up. */

/** What every list operation answers. */
export type Page<Row> = { data: Row[]; nextCursor: string | null };

/** A list operation's parameters; `limit` is the size of a page. */
export type Unpaged<Request> = Omit<Request, "cursor">;

export async function* pages<Row>(ask: (cursor?: string) => Promise<Page<Row>>): AsyncGenerator<Row, void, undefined> {
  let cursor: string | null | undefined;
  do {
    const page: Page<Row> = await ask(cursor ?? undefined);
    yield* page.data;
    cursor = page.nextCursor;
  } while (cursor);
}
