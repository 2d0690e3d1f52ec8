// What people do, by the words they see.

/** Opens a link and passes the verification as the patient, or as someone else when `other` says who. */
export async function verify(page, { url, birth_date }, other = null) {
  await page.goto(url);
  if (other) {
    await page.getByRole('radio', { name: 'I am someone else' }).check();
    await page.getByLabel('Your name').fill(other.name);
    await page.getByLabel('Relationship to the patient').fill(other.relationship);
  }
  await fillBirthDate(page, birth_date);
  await page.getByRole('checkbox', { name: /terms/ }).check();
  await page.getByRole('button', { name: 'Verify' }).click();
}

export async function fillBirthDate(page, date) {
  const [year, month, day] = date.split('-');
  const group = page.getByRole('group', { name: 'Date of birth' });
  await group.getByLabel('Month').fill(String(Number(month)));
  await group.getByLabel('Day').fill(String(Number(day)));
  await group.getByLabel('Year').fill(year);
}

/** Allows camera and microphone, and joins when the preview is there. */
export async function join(page) {
  await page.getByRole('button', { name: 'Request permissions' }).click();
  await page.getByRole('button', { name: 'Join' }).click();
}

/** From the link to the waiting room. */
export async function wait(page, link, other = null) {
  await verify(page, link, other);
  await join(page);
  await page.getByRole('heading', { name: 'Waiting for the provider' }).waitFor();
}

/** From the provider's link into the visit. */
export async function host(page, url) {
  await page.goto(url);
  await join(page);
  await inVisit(page);
}

/** Lets in everyone who waits, once all of these do. */
export async function admitAll(provider, names) {
  for (const name of names) await provider.getByRole('listitem').filter({ hasText: name }).waitFor();
  await provider.getByRole('button', { name: 'Admit all' }).click();
}

/** The provider and one patient, each on their page, from their links into the visit. */
export async function meet(server, provider, patient) {
  const [link] = server.patients;
  await wait(patient, link);
  await host(provider, server.provider);
  await provider.getByRole('listitem').filter({ hasText: link.name }).getByRole('button', { name: 'Admit', exact: true }).click();
  await inVisit(patient);
}

export async function inVisit(page) {
  await page.getByRole('button', { name: 'Leave' }).and(page.locator('#control-leave')).waitFor();
}

/** The tile of someone else, by name. */
export function tile(page, name) {
  return page.locator('[data-seat]').filter({ has: page.getByText(name, { exact: true }) });
}
