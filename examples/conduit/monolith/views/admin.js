const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (value) => String(value ?? '').replace(/[&<>"']/g, (character) => entities[character]);

const page = (title, content) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(title)} – Conduit admin</title></head>
<body>
<h1>${escapeHtml(title)}</h1>
${content}
</body>
</html>
`;

const login = (message = '') =>
  page(
    'Log in',
    `<p>${escapeHtml(message)}</p>
<form method="post" action="/admin/login">
<p><label>E-mail <input type="email" name="email" required></label></p>
<p><label>Password <input type="password" name="password" required></label></p>
<p><button>Log in</button></p>
</form>`,
  );

const articleRow = (article) => `<tr>
<td><a href="/admin/articles/${article.id}">${escapeHtml(article.title)}</a></td>
<td>${escapeHtml(article.author ? article.author.username : 'nobody')}</td>
<td>${article.popularity}</td>
<td>${article.sponsoredUntil ? escapeHtml(article.sponsoredUntil.toISOString()) : ''}</td>
<td>${article.hidden ? 'hidden' : ''}</td>
</tr>`;

const articles = (staff, list) =>
  page(
    'Articles',
    `<form method="post" action="/admin/logout"><p>${escapeHtml(staff)} <button>Log out</button></p></form>
<table>
<tr><th>Title</th><th>Author</th><th>Popularity</th><th>Sponsored until</th><th></th></tr>
${list.map(articleRow).join('\n')}
</table>`,
  );

const commentItem = (
  comment,
) => `<li>${escapeHtml(comment.author ? comment.author.username : 'nobody')}: ${escapeHtml(comment.body)}
<form method="post" action="/admin/comments/${comment.id}/delete"><button>Delete</button></form></li>`;

const article = (item, comments) =>
  page(
    item.title,
    `<p><a href="/admin">All articles</a></p>
<form method="post" action="/admin/articles/${item.id}">
<p><label>Title <input name="title" value="${escapeHtml(item.title)}" required></label></p>
<p><label>Description <input name="description" value="${escapeHtml(item.description)}" required></label></p>
<p><label>Body <textarea name="body" required>${escapeHtml(item.body)}</textarea></label></p>
<p><button>Save</button></p>
</form>
<form method="post" action="/admin/articles/${item.id}/${item.hidden ? 'show' : 'hide'}">
<p><button>${item.hidden ? 'Show' : 'Hide'}</button></p>
</form>
<h2>Comments</h2>
<ul>
${comments.map(commentItem).join('\n')}
</ul>`,
  );

module.exports = { login, articles, article };
